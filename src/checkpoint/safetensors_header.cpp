#include "checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "support/error.h"
#include "support/json.h"

namespace wavemt {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::string_view kChecksumKey = "data_crc32";

struct TypeFacts {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<TypeFacts, kNumTensorTypes> kTypes = {{{"F32", 4},
                                                            {"F64", 8},
                                                            {"F16", 2},
                                                            {"BF16", 2},
                                                            {"I64", 8},
                                                            {"I32", 4},
                                                            {"I16", 2},
                                                            {"I8", 1},
                                                            {"U8", 1},
                                                            {"BOOL", 1}}};

template <typename... Args>
Error Refusal(std::string_view origin, fmt::format_string<Args...> format, Args&&... args) {
  return UsageError("{}: not a usable safetensors file: {}", origin,
                    fmt::format(format, std::forward<Args>(args)...));
}

std::string Quote(std::string_view name) { return QuoteJson(std::string(name)); }

// Parses a header's JSON as a stream of events.
class HeaderEvents : public JsonEvents {
 public:
  explicit HeaderEvents(std::string_view origin) : origin_(origin) {}

  SafetensorsHeader Take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (state_ == State::kBeginning) {
      state_ = State::kHeader;
    } else if (state_ == State::kHeader && key_ == kMetadataKey) {
      state_ = State::kMetadata;
    } else if (state_ == State::kHeader) {
      state_ = State::kTensor;
      BeginTensor();
    } else {
      throw Unexpected();
    }
    return true;
  }

  bool key(string_t& text) override {
    key_ = std::move(text);
    if (state_ == State::kHeader) {
      RequireNew(names_, kMaxTensors);
    } else if (state_ == State::kMetadata) {
      constexpr size_t kMaxMetadata = 1000;
      RequireNew(metadata_keys_, kMaxMetadata);
    } else {
      BeginMember();
    }
    return true;
  }

  bool string(string_t& text) override {
    if (state_ == State::kMetadata) {
      if (key_ == kChecksumKey) header_.data_crc32 = std::move(text);
      return true;
    }
    if (state_ != State::kTensor || key_ != "dtype") throw Unexpected();
    const auto found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](auto& type) { return type.name == text; });
    if (found == kTypes.end()) throw Unexpected();
    tensor().type = static_cast<TensorType>(found - kTypes.begin());
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::kTensor || key_ == "dtype") throw Unexpected();
    state_ = key_ == "shape" ? State::kShape : State::kOffsets;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    constexpr uint64_t kLargestNumber = uint64_t{1} << 62;
    const bool in_list = state_ == State::kShape || state_ == State::kOffsets;
    if (!in_list || number > kLargestNumber) throw Unexpected();
    if (state_ == State::kShape) {
      if (tensor().shape.size() == kMaxDimensions) {
        throw Refuse("{} has a shape of more than {} dimensions", Quote(tensor().name),
                     kMaxDimensions);
      }
      tensor().shape.push_back(static_cast<int64_t>(number));
      return true;
    }
    if (num_offsets_ == 2) throw WrongOffsets();
    (num_offsets_++ == 0 ? tensor().begin : tensor().end) = number;
    return true;
  }

  bool end_array() override {
    if (state_ == State::kOffsets && (num_offsets_ != 2 || tensor().begin > tensor().end)) {
      throw WrongOffsets();
    }
    state_ = State::kTensor;
    return true;
  }

  bool end_object() override {
    if (state_ == State::kTensor) {
      if (members_ != kAllMembers) throw WrongMembers();
      CheckSize();
    }
    state_ = State::kHeader;  // After the header's own end, no event can follow.
    return true;
  }

 private:
  enum class State { kBeginning, kHeader, kMetadata, kTensor, kShape, kOffsets };
  static constexpr std::array<std::string_view, 3> kMembers = {"dtype", "shape", "data_offsets"};
  static constexpr unsigned kAllMembers = 0b111;

  template <typename... Args>
  Error Refuse(fmt::format_string<Args...> format, Args&&... args) const {
    return Refusal(origin_, format, std::forward<Args>(args)...);
  }
  Error WrongMembers() const {
    return Refuse("{} needs exactly dtype, shape and data_offsets", Quote(tensor().name));
  }
  Error WrongOffsets() const {
    return Refuse("the data_offsets of {} are not a begin and an end", Quote(tensor().name));
  }
  Error Unexpected() const override {
    switch (state_) {
      case State::kBeginning:
        return Refuse("the header is not an object");
      case State::kHeader:
        return key_ == kMetadataKey
                   ? Refuse("{} is not an object", kMetadataKey)
                   : Refuse("{} needs exactly dtype, shape and data_offsets", Quote(key_));
      case State::kMetadata:
        return Refuse("{}: {} is not a string", kMetadataKey, Quote(key_));
      case State::kTensor:
        return key_ == "dtype" ? Refuse("the dtype of {} is unknown", Quote(tensor().name))
                               : Refuse("the {} of {} is not an array", key_, Quote(tensor().name));
      case State::kShape:
      case State::kOffsets:
        break;
    }
    return Refuse("{} has a size or an offset that is not a whole number in range",
                  Quote(tensor().name));
  }

  TensorLayout& tensor() { return header_.tensors.back(); }
  const TensorLayout& tensor() const { return header_.tensors.back(); }

  void RequireNew(std::set<std::string>& seen, size_t limit) {
    if (!seen.insert(key_).second) {
      throw Refuse("the key {} appears twice in one object", Quote(key_));
    }
    if (seen.size() > limit) throw Refuse("it has more than {} entries", limit);
  }

  void BeginTensor() {
    header_.tensors.emplace_back();
    tensor().name = key_;
    members_ = 0;
    num_offsets_ = 0;
  }

  void BeginMember() {
    const auto found = std::find(kMembers.begin(), kMembers.end(), key_);
    if (found == kMembers.end()) throw WrongMembers();
    const unsigned bit = 1U << (found - kMembers.begin());
    if ((members_ & bit) != 0) throw Refuse("the key {} appears twice in one object", Quote(key_));
    members_ |= bit;
  }

  void CheckSize() const {
    // Strides must not overflow even if a size is 0 and there is no data.
    uint64_t extent = kTypes[static_cast<size_t>(tensor().type)].bytes;
    bool empty = false;
    for (const int64_t size : tensor().shape) {
      empty = empty || size == 0;
      if (__builtin_mul_overflow(extent, static_cast<uint64_t>(std::max<int64_t>(size, 1)),
                                 &extent) ||
          extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        throw Refuse("the shape of {} is impossibly large", Quote(tensor().name));
      }
    }
    const uint64_t bytes = empty ? 0 : extent;
    if (bytes != tensor().end - tensor().begin) {
      throw Refuse("{} needs {} bytes by its shape, but its data_offsets span {}",
                   Quote(tensor().name), bytes, tensor().end - tensor().begin);
    }
  }

  std::string_view origin_;
  SafetensorsHeader header_;
  State state_ = State::kBeginning;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> metadata_keys_;
  unsigned members_ = 0;  // Bit mask of the members of the open tensor seen so far.
  int num_offsets_ = 0;
};

void CheckLayout(const std::vector<TensorLayout>& tensors, uint64_t data_bytes,
                 std::string_view origin) {
  uint64_t expected = 0;
  for (const TensorLayout& tensor : tensors) {
    if (tensor.begin != expected) {
      throw Refusal(origin, "the data of {} begins at byte {}, not at {}", Quote(tensor.name),
                    tensor.begin, expected);
    }
    expected = tensor.end;
  }
  if (expected != data_bytes) {
    throw Refusal(origin, "the header describes {} bytes of data, the file holds {}", expected,
                  data_bytes);
  }
}

}  // namespace

std::string_view NameOf(TensorType type) { return kTypes[static_cast<size_t>(type)].name; }

size_t ReadHeaderLength(std::string_view first_bytes, uint64_t file_bytes,
                        std::string_view origin) {
  if (first_bytes.size() < kHeaderLengthBytes) throw Refusal(origin, "it ends too early");
  uint64_t length = 0;
  std::memcpy(&length, first_bytes.data(), kHeaderLengthBytes);
  if (length > file_bytes - kHeaderLengthBytes) {
    throw Refusal(origin, "a header of {} bytes does not fit", length);
  }
  if (length > kMaxHeaderBytes) {
    throw Refusal(origin, "a header of {} bytes; the limit is {}", length, kMaxHeaderBytes);
  }
  return length;
}

SafetensorsHeader ReadSafetensorsHeader(std::string_view text, uint64_t data_bytes,
                                        std::string_view origin) {
  HeaderEvents events(origin);
  events.Parse(text, fmt::format("{}: header", origin));
  SafetensorsHeader header = events.Take();
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorLayout& a, const TensorLayout& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  CheckLayout(header.tensors, data_bytes, origin);
  return header;
}

std::string WriteSafetensorsHeader(const SafetensorsHeader& header) {
  Json json = Json::object();
  // Some Python loaders require this.
  Json& metadata = json[std::string(kMetadataKey)] = {{"format", "pt"}};
  if (!header.data_crc32.empty()) metadata[std::string(kChecksumKey)] = header.data_crc32;
  for (const TensorLayout& tensor : header.tensors) {
    json[tensor.name] = {{"dtype", NameOf(tensor.type)},
                         {"shape", tensor.shape},
                         {"data_offsets", {tensor.begin, tensor.end}}};
  }
  std::string text = json.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // Aligns the data to 8 bytes.
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kHeaderLengthBytes) + text;
}

}  // namespace wavemt
