# Defines the target Httplib::Httplib, for the program's HTTP server. Debian's package is a library
# whose structs depend on definitions that only its pkg-config file names; elsewhere it may have a
# CMake package, or be a header alone.
if(TARGET Httplib::Httplib)
  return()
endif()
add_library(Httplib::Httplib INTERFACE IMPORTED)
find_package(httplib CONFIG QUIET)
if(TARGET httplib::httplib)
  target_link_libraries(Httplib::Httplib INTERFACE httplib::httplib Threads::Threads)
  return()
endif()
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(HTTPLIB QUIET IMPORTED_TARGET cpp-httplib)
endif()
if(TARGET PkgConfig::HTTPLIB)
  target_link_libraries(Httplib::Httplib INTERFACE PkgConfig::HTTPLIB Threads::Threads)
  return()
endif()
find_path(HTTPLIB_INCLUDE httplib.h)
if(NOT HTTPLIB_INCLUDE)
  message(FATAL_ERROR "cpp-httplib was not found; Debian and Ubuntu have it as libcpp-httplib-dev, "
                      "whose headers need libssl-dev and libbrotli-dev (scripts/setup.sh)")
endif()
target_include_directories(Httplib::Httplib SYSTEM INTERFACE ${HTTPLIB_INCLUDE})
# select() fails with more than a thousand connections.
target_compile_definitions(Httplib::Httplib INTERFACE CPPHTTPLIB_USE_POLL)
target_link_libraries(Httplib::Httplib INTERFACE Threads::Threads)
