# Defines the target Zstd::Zstd. zstd's own CMake package is not used: only a zstd that was itself
# built by CMake brings one.
if(TARGET Zstd::Zstd)
  return()
endif()
find_path(ZSTD_INCLUDE zstd.h REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
add_library(Zstd::Zstd INTERFACE IMPORTED)
target_include_directories(Zstd::Zstd SYSTEM INTERFACE ${ZSTD_INCLUDE})
target_link_libraries(Zstd::Zstd INTERFACE ${ZSTD_LIBRARY})
