#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The supported element types, by their names in the format.
enum class TensorType : uint8_t { kF32, kF64, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };
inline constexpr size_t kNumTensorTypes = 10;

/// "F32".
std::string_view NameOf(TensorType type);

/// A header's description of one tensor. Its data are the bytes [begin, end), counted from the end
/// of the header; their number matches the shape.
struct TensorLayout {
  std::string name;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
  TensorType type = TensorType::kF32;
};

struct SafetensorsHeader {
  std::vector<TensorLayout> tensors;  // In the order of their data.
  std::string data_crc32;             // Of all data, if our own writer stored it; else empty.
};

/// Limits that keep the memory for reading within the file's size plus 64 MB. (The format's own
/// library accepts headers of 100 MB, but our models have only hundreds of tensors.)
inline constexpr size_t kMaxHeaderBytes = size_t{4} << 20;
inline constexpr size_t kMaxTensors = 40'000;
inline constexpr size_t kMaxDimensions = 8;

/// The header is preceded by its length, in this many bytes.
inline constexpr size_t kHeaderLengthBytes = 8;

/// The length of the header, from a file's first kHeaderLengthBytes and its size. Here and below,
/// errors begin with `origin` (the file's name).
size_t ReadHeaderLength(std::string_view first_bytes, uint64_t file_bytes, std::string_view origin);

/// Parses an untrusted header that is followed by `data_bytes` of data. Throws a usage error unless
/// it is well-formed, no name appears twice, and the tensors' data fill the file without gaps or
/// overlaps.
SafetensorsHeader ReadSafetensorsHeader(std::string_view text, uint64_t data_bytes,
                                        std::string_view origin);

/// Everything that precedes the data, including the header's length.
std::string WriteSafetensorsHeader(const SafetensorsHeader& header);

}  // namespace wavemt
