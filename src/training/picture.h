#pragma once

#include <cstdint>
#include <string>

namespace wavemt {

/// A picture that TensorBoard shows.
struct Picture {
  std::string tag{};  // Its name there.
  int64_t width = 0;
  int64_t height = 0;
  std::string png{};  // The bytes of a PNG file in RGB.
};

}  // namespace wavemt
