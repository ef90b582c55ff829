# Defines the target LibTorch::LibTorch from an unpacked LibTorch, or from the Python package
# `torch`, which holds the same files. Looked for in this order:
#   -DWAVEMT_LIBTORCH=DIR, the folder that holds include/ and lib/; where it is named, only there
#   CMAKE_PREFIX_PATH
#   the virtual environment .venv that scripts/setup.sh makes
# An installed wavemt names the one that it was built with itself (wavemtConfig.cmake).
# LibTorch's own CMake package is not used: for CUDA builds it wants a whole CUDA toolkit, of which
# we need nothing, because there is no CUDA source here.
if(TARGET LibTorch::LibTorch)
  return()
endif()
set(WAVEMT_LIBTORCH "${WAVEMT_LIBTORCH_DEFAULT}" CACHE PATH
    "The folder of LibTorch (with include/ and lib/ in it)")
file(GLOB libtorch_venv ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
set(libtorch_prefixes ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH})
list(TRANSFORM libtorch_prefixes APPEND /../..)  # torch.utils.cmake_prefix_path is torch/share/cmake.

set(libtorch_places ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH} ${libtorch_prefixes} ${libtorch_venv})
if(WAVEMT_LIBTORCH)
  set(libtorch_places ${WAVEMT_LIBTORCH})
endif()
# Anew each time: what was found before may be gone, or not what is named now.
unset(LIBTORCH_INCLUDE CACHE)
find_path(LIBTORCH_INCLUDE torch/library.h NO_DEFAULT_PATH HINTS ${libtorch_places} PATH_SUFFIXES include)
if(NOT LIBTORCH_INCLUDE AND WAVEMT_LIBTORCH)
  message(FATAL_ERROR "WAVEMT_LIBTORCH=${WAVEMT_LIBTORCH}: holds no include/torch/library.h; name "
                      "the folder of a LibTorch, with include/ and lib/ in it")
endif()
if(NOT LIBTORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch was not found. Run scripts/setup.sh, which installs it, or name its "
                      "folder: cmake --preset release -DWAVEMT_LIBTORCH=/path/to/libtorch")
endif()
get_filename_component(libtorch_root ${LIBTORCH_INCLUDE} DIRECTORY)
set(libtorch_lib ${libtorch_root}/lib)
message(STATUS "LibTorch: ${libtorch_root}")

add_library(LibTorch::LibTorch INTERFACE IMPORTED)
target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
                           ${LIBTORCH_INCLUDE} ${LIBTORCH_INCLUDE}/torch/csrc/api/include)
# Some of its classes have more members without NDEBUG, with which the library itself was built.
target_compile_definitions(LibTorch::LibTorch INTERFACE $<$<NOT:$<CONFIG:Release>>:NDEBUG>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  # Mistakes a std::vector<bool> in its torch::autograd::Function for one of a single word.
  target_compile_options(LibTorch::LibTorch INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
endif()
# By their paths, so that CMake knows what a program needs to find them, and what one that is
# installed needs instead.
target_link_libraries(LibTorch::LibTorch INTERFACE ${libtorch_lib}/libtorch.so
                                                   ${libtorch_lib}/libtorch_cpu.so
                                                   ${libtorch_lib}/libc10.so)
# LibTorch's libraries bring parts of the standard library along, of the compiler that built them
# (std::filesystem among them). The system's own comes before them, or a program mixes the two: with
# LibTorch 2.11 on Ubuntu 24.04, to remove a folder crashed.
target_link_options(LibTorch::LibTorch INTERFACE -Wl,--push-state,--no-as-needed,-lstdc++,--pop-state)
# at::parallel_for, which is a template, uses more than one thread only in files that are compiled
# with OpenMP. Its runtime must be that of LibTorch: a second one, as clang would bring, would have
# threads of its own.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(LibTorch::LibTorch INTERFACE -fopenmp)
  file(GLOB libtorch_openmp ${libtorch_lib}/libgomp*.so*)
  target_link_libraries(LibTorch::LibTorch INTERFACE ${libtorch_openmp})
  if(NOT libtorch_openmp)
    target_link_options(LibTorch::LibTorch INTERFACE -fopenmp)  # The system's, which it uses then.
  endif()
endif()
if(EXISTS ${libtorch_lib}/libtorch_cuda.so)
  # Nothing refers to the CUDA library by name: it registers its kernels when it is loaded.
  target_link_options(
    LibTorch::LibTorch INTERFACE
    -Wl,--no-as-needed,${libtorch_lib}/libtorch_cuda.so,${libtorch_lib}/libc10_cuda.so,--as-needed
    -Wl,--allow-shlib-undefined)
endif()
