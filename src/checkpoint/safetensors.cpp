#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/files.h"
#include "support/json.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr size_t kLengthBytes = 8;
// The limit of the format's own library.
constexpr uint64_t kLargestHeader = 100'000'000;

constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 10> kTypes = {{
    {"F32", torch::kFloat},
    {"F64", torch::kDouble},
    {"F16", torch::kHalf},
    {"BF16", torch::kBFloat16},
    {"I64", torch::kLong},
    {"I32", torch::kInt},
    {"I16", torch::kShort},
    {"I8", torch::kChar},
    {"U8", torch::kByte},
    {"BOOL", torch::kBool},
}};

std::string_view TypeName(torch::ScalarType type) {
  for (const auto& [name, candidate] : kTypes) {
    if (candidate == type) return name;
  }
  throw Failure("safetensors: no name for tensors of type {}", torch::toString(type));
}

// What the header says of one tensor, checked in itself.
struct Entry {
  std::string name;
  torch::ScalarType type = torch::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Reads a header's entries; `origin` begins each error.
class HeaderReader {
 public:
  explicit HeaderReader(const fs::path& path) : origin_(path.string()) {}

  std::vector<Entry> Read(std::string_view text) const {
    // The library parses numbers without a limit of length, but never keeps more than the text.
    const Json header = ParseJson(text, origin_ + ": header");
    if (!header.is_object()) throw Refusal("the header is not an object");
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadataKey) {
        CheckMetadata(value);
      } else {
        entries.push_back(ReadEntry(name, value));
      }
    }
    return entries;
  }

  // The entries' data must lie one behind the other and fill the file: no overlap, no hole.
  void CheckLayout(std::vector<Entry>& entries, uint64_t data_bytes) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t expected = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != expected) {
        throw Refusal("the data of \"{}\" begins at byte {}, not at {}", entry.name, entry.begin,
                      expected);
      }
      expected = entry.end;
    }
    if (expected != data_bytes) {
      throw Refusal("the header describes {} bytes of data, the file holds {}", expected,
                    data_bytes);
    }
  }

  template <typename... Args>
  Error Refusal(fmt::format_string<Args...> format, Args&&... args) const {
    return UsageError("{}: not a usable safetensors file: {}", origin_,
                      fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void CheckMetadata(const Json& metadata) const {
    if (!metadata.is_object()) throw Refusal("{} is not an object", kMetadataKey);
    for (const auto& [key, value] : metadata.items()) {
      if (!value.is_string()) throw Refusal("{}: \"{}\" is not a text", kMetadataKey, key);
    }
  }

  Entry ReadEntry(const std::string& name, const Json& value) const {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets")) {
      throw Refusal("\"{}\" needs exactly dtype, shape and data_offsets", name);
    }
    Entry entry;
    entry.name = name;
    entry.type = ReadType(name, value["dtype"]);
    for (const uint64_t size : ReadNumbers(name, value["shape"])) {
      entry.shape.push_back(static_cast<int64_t>(size));
    }
    const std::vector<uint64_t> offsets = ReadNumbers(name, value["data_offsets"]);
    if (offsets.size() != 2 || offsets[0] > offsets[1]) {
      throw Refusal("the data_offsets of \"{}\" are not a begin and an end", name);
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    CheckSize(entry);
    return entry;
  }

  torch::ScalarType ReadType(const std::string& name, const Json& json) const {
    for (const auto& [type_name, type] : kTypes) {
      if (json.is_string() && json.get_ref<const std::string&>() == type_name) return type;
    }
    throw Refusal("the dtype of \"{}\" is unknown", name);
  }

  std::vector<uint64_t> ReadNumbers(const std::string& name, const Json& json) const {
    constexpr size_t kMostNumbers = 64;
    constexpr uint64_t kLargestNumber = uint64_t{1} << 62;
    if (!json.is_array() || json.size() > kMostNumbers) {
      throw Refusal("\"{}\" has a shape or data_offsets that is no short list", name);
    }
    std::vector<uint64_t> numbers;
    for (const Json& item : json) {
      if (!item.is_number_unsigned() || item.get<uint64_t>() > kLargestNumber) {
        throw Refusal("\"{}\" has a size or an offset that is no whole number in range", name);
      }
      numbers.push_back(item.get<uint64_t>());
    }
    return numbers;
  }

  void CheckSize(const Entry& entry) const {
    // Strides are products of sizes even where a size is 0 and there is no data.
    uint64_t extent = torch::elementSize(entry.type);
    bool empty = false;
    for (const int64_t size : entry.shape) {
      empty = empty || size == 0;
      if (__builtin_mul_overflow(extent, static_cast<uint64_t>(std::max<int64_t>(size, 1)),
                                 &extent) ||
          extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        throw Refusal("the shape of \"{}\" is impossibly large", entry.name);
      }
    }
    const uint64_t bytes = empty ? 0 : extent;
    if (bytes != entry.end - entry.begin) {
      throw Refusal("\"{}\" needs {} bytes by its shape, but its data_offsets span {}", entry.name,
                    bytes, entry.end - entry.begin);
    }
  }

  std::string origin_;
};

// What stands before the data: the length and the text of the header.
std::string MakeHeader(const NamedTensors& tensors) {
  Json header = Json::object();
  // What Python's loaders look for.
  header[std::string(kMetadataKey)] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t bytes = tensor.nbytes();
    header[name] = {{"dtype", TypeName(tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // Aligns the data to 8 bytes.
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + text;
}

}  // namespace

FileDigest WriteSafetensors(OutputFile& file, const NamedTensors& tensors) {
  file.Write(MakeHeader(tensors));
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor on_cpu = tensor.detach().to(torch::kCPU).contiguous();
    file.Write(on_cpu.const_data_ptr(), on_cpu.nbytes());
  }
  return {.bytes = file.bytes_written(), .crc32 = file.checksum().Hex()};
}

NamedTensors ReadSafetensors(const fs::path& path) {
  RequireReadableFile(path);
  const HeaderReader reader(path);
  std::ifstream file(path, std::ios::binary);
  const uint64_t file_bytes = fs::file_size(path);
  const auto read = [&](void* data, uint64_t size) {
    if (!file.read(static_cast<char*>(data), static_cast<std::streamsize>(size))) {
      throw reader.Refusal("it ends too early");
    }
  };
  uint64_t header_bytes = 0;
  if (file_bytes < kLengthBytes) throw reader.Refusal("it ends too early");
  read(&header_bytes, kLengthBytes);
  if (header_bytes > kLargestHeader || header_bytes > file_bytes - kLengthBytes) {
    throw reader.Refusal("a header of {} bytes does not fit", header_bytes);
  }
  std::string text(header_bytes, '\0');
  read(text.data(), header_bytes);
  std::vector<Entry> entries = reader.Read(text);
  reader.CheckLayout(entries, file_bytes - kLengthBytes - header_bytes);

  NamedTensors tensors;
  for (const Entry& entry : entries) {
    torch::Tensor tensor = torch::empty(entry.shape, torch::TensorOptions(entry.type));
    read(tensor.mutable_data_ptr(), entry.end - entry.begin);
    tensors.emplace(entry.name, std::move(tensor));
  }
  return tensors;
}

}  // namespace wavemt
