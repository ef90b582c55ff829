#pragma once

#include <exception>
#include <functional>

namespace wavemt {

/// True for the exceptions that LibTorch's allocators, CUDA's libraries and the C++ library throw
/// when memory runs out.
bool IsOutOfMemory(const std::exception& error);

/// Runs `work` and returns true, or false if memory ran out. In that case everything that `work`
/// had allocated has been returned to the system or the GPU, so that a smaller task can be tried.
/// Other exceptions pass through.
bool FitsMemory(const std::function<void()>& work);

}  // namespace wavemt
