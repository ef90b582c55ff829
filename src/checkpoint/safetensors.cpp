#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include "checkpoint/safetensors_header.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// In the order of TensorType.
constexpr std::array<torch::ScalarType, kNumTensorTypes> kScalarTypes = {
    torch::kFloat, torch::kDouble, torch::kHalf, torch::kBFloat16, torch::kLong,
    torch::kInt,   torch::kShort,  torch::kChar, torch::kByte,     torch::kBool};

TensorType TypeOf(torch::ScalarType type) {
  for (size_t i = 0; i < kScalarTypes.size(); ++i) {
    if (kScalarTypes[i] == type) return static_cast<TensorType>(i);
  }
  throw Failure("safetensors: no name for tensors of type {}", torch::toString(type));
}

torch::Tensor AsStored(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU).contiguous();
}

std::string ChecksumOf(const NamedTensors& tensors) {
  Crc32 checksum;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor stored = AsStored(tensor);
    checksum.Add(stored.const_data_ptr(), stored.nbytes());
  }
  return checksum.Hex();
}

// Using a bool whose byte is neither 0 nor 1 would be undefined behaviour.
void RequireBooleans(const torch::Tensor& tensor, const std::string& origin) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.const_data_ptr());
  if (std::any_of(bytes, bytes + tensor.nbytes(), [](uint8_t byte) { return byte > 1; })) {
    throw UsageError("{}: not a usable safetensors file: a BOOL in it is neither 0 nor 1", origin);
  }
}

// Reads the next `size` bytes of the file. Returns false if there are fewer.
using ReadNext = std::function<bool(void* bytes, size_t size)>;

NamedTensors ReadTensors(const ReadNext& read_next, uint64_t file_bytes,
                         const std::string& origin) {
  const auto read = [&](void* bytes, size_t size) {
    if (!read_next(bytes, size)) {
      throw UsageError("{}: not a usable safetensors file: it ends too early", origin);
    }
  };
  std::array<char, kHeaderLengthBytes> first_bytes{};
  read(first_bytes.data(), first_bytes.size());
  const SafetensorsHeader header = [&] {
    std::string text(ReadHeaderLength({first_bytes.data(), first_bytes.size()}, file_bytes, origin),
                     '\0');
    read(text.data(), text.size());
    return ReadSafetensorsHeader(text, file_bytes - first_bytes.size() - text.size(), origin);
  }();

  NamedTensors tensors;
  Crc32 checksum;
  for (const TensorLayout& layout : header.tensors) {
    torch::Tensor tensor = torch::empty(
        layout.shape, torch::TensorOptions(kScalarTypes[static_cast<size_t>(layout.type)]));
    read(tensor.mutable_data_ptr(), layout.end - layout.begin);
    if (layout.type == TensorType::kBool) RequireBooleans(tensor, origin);
    if (!header.data_crc32.empty()) checksum.Add(tensor.const_data_ptr(), tensor.nbytes());
    tensors.emplace(layout.name, std::move(tensor));
  }
  if (!header.data_crc32.empty() && header.data_crc32 != checksum.Hex()) {
    throw UsageError("{}: is damaged: the checksum of its data is {}, but its header says {}",
                     origin, checksum.Hex(), header.data_crc32.substr(0, 80));
  }
  return tensors;
}

}  // namespace

FileDigest WriteSafetensors(OutputFile& file, const NamedTensors& tensors, DataChecksum checksum) {
  SafetensorsHeader header;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t bytes = tensor.nbytes();
    header.tensors.push_back({.name = name,
                              .shape = tensor.sizes().vec(),
                              .begin = offset,
                              .end = offset + bytes,
                              .type = TypeOf(tensor.scalar_type())});
    offset += bytes;
  }
  if (checksum == DataChecksum::kInHeader) header.data_crc32 = ChecksumOf(tensors);
  file.Write(WriteSafetensorsHeader(header));
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor stored = AsStored(tensor);
    file.Write(stored.const_data_ptr(), stored.nbytes());
  }
  return {.bytes = file.bytes_written(), .crc32 = file.checksum().Hex()};
}

NamedTensors ReadSafetensors(const fs::path& path) {
  RequireReadableFile(path);
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const uint64_t file_bytes = fs::file_size(path, error);
  if (error) throw UsageError("{}: cannot be read: {}", path.string(), error.message());
  const ReadNext read_next = [&](void* bytes, size_t size) {
    return !file.read(static_cast<char*>(bytes), static_cast<std::streamsize>(size)).fail();
  };
  return ReadTensors(read_next, file_bytes, path.string());
}

NamedTensors ReadSafetensors(std::string_view bytes, const std::string& origin) {
  const uint64_t file_bytes = bytes.size();
  const ReadNext read_next = [&](void* to, size_t size) {
    if (size > bytes.size()) return false;
    if (size > 0) std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
    return true;
  };
  return ReadTensors(read_next, file_bytes, origin);
}

}  // namespace wavemt
