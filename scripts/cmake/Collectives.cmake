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
  unset(NCCL_INCLUDE CACHE)
  unset(CUDA_RUNTIME_INCLUDE CACHE)
  find_path(NCCL_INCLUDE nccl.h HINTS ${nvidia_includes})
  find_path(CUDA_RUNTIME_INCLUDE cuda_runtime_api.h HINTS ${nvidia_includes} /usr/local/cuda/include)
  if(NCCL_INCLUDE AND CUDA_RUNTIME_INCLUDE)
    list(APPEND WAVEMT_COLLECTIVES USE_C10D_NCCL)
    foreach(folder ${NCCL_INCLUDE} ${CUDA_RUNTIME_INCLUDE} ${nvidia_includes})
      if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
        list(APPEND WAVEMT_COLLECTIVES_INCLUDE -isystem ${folder})
      endif()
    endforeach()
    message(STATUS "NCCL: ${NCCL_INCLUDE}")
  else()
    message(STATUS "NCCL: no nccl.h or cuda_runtime_api.h; training with several GPUs is left out")
  endif()
endif()
