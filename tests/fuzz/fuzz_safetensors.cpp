// Fuzzes the reader of weights with untrusted safetensors files.
#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_header.h"
#include "fuzz_main.h"
#include "support/checksum.h"

namespace wavemt {
namespace {

constexpr auto kNames = std::to_array<std::string_view>(
    {"a", "b", "encoder.layers.0.attention.qkv_proj.weight", "position_encoding.pe", "",
     "__metadata__", "dtype", "Größe", "a\\u0000", "\\u001b[2J", "\xF0\x9F\x8C\x8A", "\xFF",
     "\\ud800", "a b"});
constexpr auto kTypes = std::to_array<std::string_view>(
    {"F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"});
constexpr std::array<size_t, 10> kTypeBytes = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1};
constexpr auto kWrongValues = std::to_array<std::string_view>(
    {"null", "true", "{}", "[]", "\"F32\"", "[[]]", "[0,0,0]", "{\"a\":[{\"b\":[]}]}", "\"\"",
     "[null]", "\"F8\"", "[-1]", "[1.5]", "[1,1,1,1,1,1,1,1,1]"});

std::string Join(std::string_view a, std::string_view b) { return std::string(a) + std::string(b); }

// Builds a file. Each element of it is occasionally wrong.
class FileMaker {
 public:
  explicit FileMaker(Random& random) : random_(random) {}

  std::string Make() {
    header_ = "{";
    if (random_.OneIn(3)) AddMetadata();
    for (size_t tensors = random_.Below(5); tensors > 0; --tensors) AddTensor();
    if (random_.OneIn(8)) header_ += random_.Choose(kHardBytes);
    header_ += "}";
    // Spaces align the data.
    header_.append(random_.OneIn(2) ? (8 - header_.size() % 8) % 8 : random_.Below(3), ' ');
    if (random_.OneIn(30)) data_bytes_ += random_.Below(9);
    if (random_.OneIn(30)) data_bytes_ -= random_.Below(data_bytes_ + 1);
    std::string data(data_bytes_, '\0');
    for (char& byte : data) byte = static_cast<char>(random_.OneIn(4) ? 1 : 0);
    if (const size_t offset = header_.find("CHECKSUM"); offset != std::string::npos) {
      Crc32 checksum;
      checksum.Add(data.data(), data.size());
      header_.replace(offset, 8, checksum.Hex());
    }
    uint64_t length = header_.size();
    if (random_.OneIn(30)) length = random_.Next() >> random_.Below(64);
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header_ + data;
  }

 private:
  void Separate() {
    if (header_.size() > 1) header_ += random_.OneIn(60) ? "" : ",";
    if (random_.OneIn(20)) header_ += " \n";
  }

  void AddMetadata() {
    Separate();
    header_ += R"("__metadata__":{"format":"pt")";
    if (random_.OneIn(2)) header_ += R"(,"data_crc32":"CHECKSUM")";
    if (random_.OneIn(10)) header_ += Join(",\"x\":", random_.Choose(kWrongValues));
    header_ += "}";
  }

  void AddTensor() {
    Separate();
    const size_t type = random_.Below(kTypes.size());
    const size_t name = random_.Below(kNames.size());
    header_ += Join("\"", random_.OneIn(8) ? kNames[name] : "tensor");
    header_ += std::to_string(random_.Below(20)) + "\":{";
    std::string shape = "[";
    size_t bytes = kTypeBytes[type];
    for (size_t dimensions = random_.Below(4); dimensions > 0; --dimensions) {
      const size_t size = random_.Below(6);
      bytes *= size;
      shape += std::to_string(size) + (dimensions > 1 ? "," : "");
    }
    shape += "]";
    std::string offsets =
        "[" + std::to_string(data_bytes_) + "," + std::to_string(data_bytes_ + bytes) + "]";
    data_bytes_ += bytes;
    std::array<std::string, 3> members = {Member("dtype", Join(Join("\"", kTypes[type]), "\"")),
                                          Member("shape", shape), Member("data_offsets", offsets)};
    std::swap(members[0], members[random_.Below(3)]);
    header_ += members[0] + "," + members[1] + "," + members[2];
    if (random_.OneIn(60)) header_ += "," + members[random_.Below(3)];
    header_ += "}";
  }

  std::string Member(std::string_view key, std::string value) {
    if (random_.OneIn(60)) value = random_.Choose(kWrongValues);
    if (random_.OneIn(60)) value = Join(Join("[", random_.Choose(kHardNumbers)), ",8]");
    if (random_.OneIn(90)) key = random_.Choose(kNames);
    return Join(Join("\"", key), "\":") + value;
  }

  Random& random_;
  std::string header_;
  size_t data_bytes_ = 0;
};

std::string WithHeader(const std::string& header) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header;
}

// A file that makes its reader take as much memory as possible.
std::string LargeFile(Random& random) {
  const size_t size = random.Below(kMaxHeaderBytes + kMaxHeaderBytes / 8);
  std::string header = "{";
  switch (random.Below(6)) {
    case 0:
      return WithHeader(header + "\"" + std::string(size, 'n'));
    case 1:
      return WithHeader(std::string(size, '['));
    case 2:
      while (header.size() < size) header += "\"a\":{\"a\":";
      return WithHeader(header);
    case 3:
      header += R"("a":{"dtype":"U8","shape":[)";
      while (header.size() < size) header += "1,";
      return WithHeader(header + R"(1],"data_offsets":[0,1]}})");
    case 4:
      header += R"("__metadata__":{)";
      for (size_t i = 0; header.size() < size; ++i) header += "\"" + std::to_string(i) + "\":\"\",";
      return WithHeader(header + R"("":""}})");
    default:
      const size_t data = random.Below(2);
      size_t tensors = 0;
      for (; header.size() < size; ++tensors) {
        header += "\"" + std::to_string(tensors) + R"(":{"dtype":"U8","shape":[1,1,1,1,1,1,1,)" +
                  std::to_string(data) + R"(],"data_offsets":[)" + std::to_string(tensors * data) +
                  "," + std::to_string((tensors + 1) * data) + "]},";
      }
      header += R"("":{"dtype":"U8","shape":[0],"data_offsets":[)" +
                std::to_string(tensors * data) + "," + std::to_string(tensors * data) + "]}}";
      return WithHeader(header) + std::string(tensors * data, '\1');
  }
}

std::string MakeFile(Random& random) {
  if (random.OneIn(50'000)) return LargeFile(random);
  std::string file = FileMaker(random).Make();
  if (random.OneIn(2)) Damage(random, &file);
  return file;
}

void ReadInput(const std::string& file) {
  // Most files are refused here. If one is accepted, the result must match the file.
  const size_t header_bytes =
      ReadHeaderLength(std::string_view(file).substr(0, kHeaderLengthBytes), file.size(), "fuzz");
  const size_t data_bytes = file.size() - kHeaderLengthBytes - header_bytes;
  size_t end = 0;
  size_t num_tensors = 0;
  {
    const std::string_view text = std::string_view(file).substr(kHeaderLengthBytes, header_bytes);
    const SafetensorsHeader header = ReadSafetensorsHeader(text, data_bytes, "fuzz");
    num_tensors = header.tensors.size();
    for (const TensorLayout& tensor : header.tensors) {
      Require(tensor.begin == end && tensor.end >= tensor.begin, "tensors overlap");
      end = tensor.end;
    }
    Require(end == data_bytes, "tensors do not fill the file");
  }
  const NamedTensors tensors = ReadSafetensors(file, "fuzz");
  Require(tensors.size() == num_tensors, "a tensor was lost");
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.nbytes();
  Require(bytes == data_bytes, "data was lost");
}

}  // namespace
}  // namespace wavemt

int main(int argc, char** argv) {
  return wavemt::FuzzMain(
      argc, argv, {.name = "safetensors", .make = wavemt::MakeFile, .read = wavemt::ReadInput});
}
