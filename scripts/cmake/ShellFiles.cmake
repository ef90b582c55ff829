# What the program writes about itself for shells, in shell/ of the build folder, after each link of it:
# manual pages and completion scripts. If it cannot, the build fails. Install.cmake installs them.
# A sanitizer would report what LibTorch does not free; a program for another machine cannot run here.
if(WAVEMT_SANITIZE OR CMAKE_CROSSCOMPILING)
  return()
endif()
set(shell_files ${CMAKE_BINARY_DIR}/shell)
set(shell_commands "")
foreach(shell bash zsh fish)
  list(APPEND shell_commands
       COMMAND $<TARGET_FILE:wavemt> completion ${shell} > ${shell_files}/wavemt.${shell})
endforeach()
add_custom_command(
  TARGET wavemt POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${shell_files}  # Pages of commands that are gone.
  COMMAND $<TARGET_FILE:wavemt> manual --output ${shell_files}/man1
  ${shell_commands}
  COMMENT "Writing manual pages and completion scripts"
  VERBATIM)
