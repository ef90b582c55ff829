# Writes OUTPUT, a source file that says which commit of SOURCE_DIR is built. The build runs this each
# time, but the file is touched only if it changes, and nothing else depends on the commit.
#   cmake -DSOURCE_DIR=... -DOUTPUT=... -P scripts/cmake/Commit.cmake
set(commit unknown)
set(date "")
set(ENV{GIT_OPTIONAL_LOCKS} 0)  # Somebody may be committing meanwhile.

function(ask_git variable)
  execute_process(
    COMMAND git -C ${SOURCE_DIR} ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE said
    ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(result EQUAL 0)
    set(${variable} "${said}" PARENT_SCOPE)
  endif()
endfunction()

# A release that was unpacked inside of another repository has nothing to do with its commits.
set(prefix unknown)
ask_git(prefix rev-parse --show-prefix)
if(prefix STREQUAL "")
  ask_git(commit describe --always --dirty)
  ask_git(date log -1 --format=%cs)
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/commit.cpp.in ${OUTPUT} @ONLY)
