#pragma once

#include <exception>
#include <functional>

namespace wavemt {

/// True for what LibTorch's allocators, its libraries on a GPU and the C++ library throw when
/// memory runs out.
bool IsOutOfMemory(const std::exception& error);

/// Runs `work` and returns true; false where memory ran out on the way. By then everything that the
/// work had made is freed and given back, so that smaller work can be tried. Other errors pass.
bool FitsMemory(const std::function<void()>& work);

}  // namespace wavemt
