#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The element types that we read and write, by their names in the format.
enum class TensorType : uint8_t { kF32, kF64, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };
inline constexpr size_t kNumTensorTypes = 10;

/// "F32".
std::string_view NameOf(TensorType type);

/// What a header says of one tensor. The data are the bytes from `begin` to `end` behind the
/// header; their number is that of the shape.
struct TensorLayout {
  std::string name;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
  TensorType type = TensorType::kF32;
};

struct SafetensorsHeader {
  std::vector<TensorLayout> tensors;  // In the order of their data.
  std::string data_crc32;             // Of all data, where our own writer noted it; else empty.
};

/// The limits of what is read. The format's own library takes headers of 100 MB; a model of ours
/// has hundreds of tensors. They keep what reading takes within the file's size and 64 MB.
inline constexpr size_t kMaxHeaderBytes = size_t{4} << 20;
inline constexpr size_t kMaxTensors = 40'000;
inline constexpr size_t kMaxDimensions = 8;

/// Before the header stands its length.
inline constexpr size_t kHeaderLengthBytes = 8;

/// The length of the header, from a file's first kHeaderLengthBytes and its size. `origin` (the
/// file's name) begins each error, here and below.
size_t ReadHeaderLength(std::string_view first_bytes, uint64_t file_bytes, std::string_view origin);

/// Reads a header whose data has `data_bytes`. It may come from a stranger: a usage error unless it
/// is well-formed, no name stands twice, and the tensors' data lie one behind the other and fill
/// the file: no overlap, no hole.
SafetensorsHeader ReadSafetensorsHeader(std::string_view text, uint64_t data_bytes,
                                        std::string_view origin);

/// The whole of what stands before the data, header length included.
std::string WriteSafetensorsHeader(const SafetensorsHeader& header);

}  // namespace wavemt
