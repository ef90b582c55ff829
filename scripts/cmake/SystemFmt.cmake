# Defines the target SystemFmt::SystemFmt. LibTorch's include folder has a newer fmt than the one that
# the system's spdlog was built for. This target puts a folder with only the system's fmt before it in
# the search path: link it before LibTorch::LibTorch.
if(TARGET SystemFmt::SystemFmt)
  return()
endif()
find_package(fmt REQUIRED)
get_target_property(fmt_include_dir fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/system_fmt)
file(CREATE_LINK ${fmt_include_dir}/fmt ${CMAKE_BINARY_DIR}/system_fmt/fmt SYMBOLIC)
add_library(SystemFmt::SystemFmt INTERFACE IMPORTED)
target_include_directories(SystemFmt::SystemFmt SYSTEM BEFORE
                           INTERFACE ${CMAKE_BINARY_DIR}/system_fmt)
target_link_libraries(SystemFmt::SystemFmt INTERFACE fmt::fmt)
