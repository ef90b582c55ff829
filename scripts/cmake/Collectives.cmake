# How several processes train one model (src/distributed/): PyTorch's c10d with Gloo on CPUs and NCCL
# on GPUs. LibTorch holds both, but not all of their headers. Sets
#   WAVEMT_COLLECTIVES          the definitions that c10d's headers want
#   WAVEMT_COLLECTIVES_INCLUDE  the options that name the folders of the headers
# Without the headers of one, the program is built without it and says so when it is asked for it.
set(WAVEMT_COLLECTIVES USE_DISTRIBUTED)
set(WAVEMT_COLLECTIVES_INCLUDE "")

unset(GLOO_INCLUDE CACHE)
find_path(GLOO_INCLUDE gloo/rendezvous/store.h)
if(GLOO_INCLUDE AND EXISTS ${LIBTORCH_INCLUDE}/torch/csrc/distributed/c10d/ProcessGroupGloo.hpp)
  list(APPEND WAVEMT_COLLECTIVES USE_C10D_GLOO)
  # Named a second time, the system's own folder would hide the headers of the C library.
  if(NOT GLOO_INCLUDE IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    list(APPEND WAVEMT_COLLECTIVES_INCLUDE -isystem ${GLOO_INCLUDE})
  endif()
  message(STATUS "Gloo: ${GLOO_INCLUDE}")
else()
  message(STATUS "Gloo: no headers; training with several processes on CPUs is left out "
                 "(Debian's libgloo-dev has them)")
endif()

if(EXISTS ${libtorch_lib}/libtorch_cuda.so)
  # The Python packages that a CUDA build of torch brings along lie next to it.
  file(GLOB nvidia_includes ${libtorch_root}/../nvidia/*/include)
  set(nccl_include ${nvidia_includes})
  if(EXISTS /usr/local/cuda/include)
    list(APPEND nccl_include /usr/local/cuda/include)
  endif()
  # LibTorch's header of NCCL includes many of CUDA's, and which ones depends on its version. So it is
  # compiled, not searched for.
  set(nccl_source ${CMAKE_BINARY_DIR}/nccl_is_here.cpp)
  file(WRITE ${nccl_source} "#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>\n"
                            "static_assert(sizeof(c10d::ProcessGroupNCCL) > 0);\n")
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # There is nothing to link.
  try_compile(
    nccl_compiles ${CMAKE_BINARY_DIR}/nccl_is_here ${nccl_source}
    CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${LIBTORCH_INCLUDE};${LIBTORCH_INCLUDE}/torch/csrc/api/include;${nccl_include}"
    COMPILE_DEFINITIONS -DUSE_DISTRIBUTED -DUSE_C10D_NCCL
    CXX_STANDARD 20
    OUTPUT_VARIABLE nccl_output)
  unset(CMAKE_TRY_COMPILE_TARGET_TYPE)
  if(nccl_compiles)
    list(APPEND WAVEMT_COLLECTIVES USE_C10D_NCCL)
    foreach(folder ${nccl_include})
      if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
        list(APPEND WAVEMT_COLLECTIVES_INCLUDE -isystem ${folder})
      endif()
    endforeach()
    message(STATUS "NCCL: found")
  else()
    string(REGEX MATCH "[^\n]*error: [^\n]*" nccl_output "${nccl_output}")
    message(STATUS "NCCL: left out, and with it training with several GPUs, because its headers or "
                   "CUDA's are not whole (scripts/setup.sh installs those of a LibTorch in .venv): "
                   "${nccl_output}")
  endif()
endif()
