#include "data/sentencepiece_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "support/error.h"
#include "support/file_kind.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

// Field numbers of sentencepiece_model.proto.
constexpr uint64_t kPieces = 1;
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kDenormalizerSpec = 5;
constexpr uint64_t kPieceText = 1;
constexpr uint64_t kPieceType = 3;
constexpr uint64_t kUserDefinedType = 4;
constexpr uint64_t kCharacterMap = 2;

// The fields of a protocol buffer's message in its wire format
// (https://protobuf.dev/programming-guides/encoding).
class MessageReader {
 public:
  struct Field {
    uint64_t number = 0;
    std::string_view bytes;  // The value of a string, bytes or message; empty for numbers.
    bool has_bytes = false;
    uint64_t varint = 0;  // The value of a whole number.
  };

  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  // Returns nullopt at the end or if the bytes are not a message; ok() tells the two apart.
  std::optional<Field> Next() {
    if (rest_.empty() || !ok_) return std::nullopt;
    const uint64_t tag = Varint();
    Field field{.number = tag >> 3, .bytes = {}, .has_bytes = false, .varint = 0};
    switch (tag & 7) {
      case 0:
        field.varint = Varint();
        break;
      case 1:
        Take(8);
        break;
      case 2:
        field.bytes = Take(Varint());
        field.has_bytes = true;
        break;
      case 5:
        Take(4);
        break;
      default:  // Groups, which these models do not use.
        ok_ = false;
    }
    return ok_ ? std::optional(field) : std::nullopt;
  }

  bool ok() const { return ok_; }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// A unit of darts-clone's double-array trie.
class TrieUnit {
 public:
  explicit TrieUnit(uint32_t bits) : bits_(bits) {}
  bool has_leaf() const { return (bits_ >> 8 & 1) != 0; }
  uint32_t value() const { return bits_ & 0x7FFFFFFF; }
  uint32_t label() const { return bits_ & 0x800000FF; }
  uint32_t offset() const { return (bits_ >> 10) << ((bits_ & 0x200) >> 6); }

 private:
  uint32_t bits_;
};

// Whether no search can leave the trie or reach an offset beyond the `replacements` bytes. A search
// reads at a node's base and at any of the 256 units of the base's block.
bool IsSafeTrie(std::string_view trie, size_t replacements) {
  constexpr size_t kUnitBytes = sizeof(uint32_t);
  constexpr size_t kBlock = 256;
  // NFKC's trie has 240 KB; checking a malicious one of 64 MB would take a minute.
  constexpr size_t kLargestTrie = size_t{4} << 20;
  const size_t size = trie.size() / kUnitBytes;
  const auto unit_at = [&](size_t index) {
    uint32_t bits = 0;
    std::memcpy(&bits, trie.data() + index * kUnitBytes, kUnitBytes);
    return TrieUnit(bits);
  };
  if (size < kBlock || trie.size() > kLargestTrie) return false;
  std::vector<bool> seen(size);
  std::vector<size_t> bases = {unit_at(0).offset()};
  while (!bases.empty()) {
    const size_t base = bases.back();
    bases.pop_back();
    if ((base | (kBlock - 1)) >= size) return false;
    for (size_t label = 0; label < kBlock; ++label) {
      const size_t index = base ^ label;
      const TrieUnit unit = unit_at(index);
      if (unit.label() != label || seen[index]) continue;
      seen[index] = true;
      const size_t next = index ^ unit.offset();
      if (unit.has_leaf() && (next >= size || unit_at(next).value() >= replacements)) return false;
      bases.push_back(next);
    }
  }
  return true;
}

// A character map is the size of the trie, the trie, and the replacements, each ending with a NUL.
bool IsSafeCharacterMap(std::string_view map) {
  if (map.empty()) return true;
  uint32_t trie_size = 0;
  if (map.size() <= sizeof(trie_size)) return false;
  std::memcpy(&trie_size, map.data(), sizeof(trie_size));
  map.remove_prefix(sizeof(trie_size));
  return trie_size < map.size() && map.back() == '\0' &&
         IsSafeTrie(map.substr(0, trie_size), map.size() - trie_size);
}

bool IsSafeNormalizer(std::string_view message) {
  MessageReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == kCharacterMap && field->has_bytes && !IsSafeCharacterMap(field->bytes)) {
      return false;
    }
  }
  return reader.ok();
}

bool IsSafePiece(std::string_view message) {
  MessageReader reader(message);
  bool has_text = false;
  while (const auto field = reader.Next()) {
    if (field->number != kPieceText || !field->has_bytes) continue;
    has_text = !field->bytes.empty() && field->bytes.find('\0') == std::string_view::npos &&
               !FindInvalidUtf8(field->bytes);
    if (!has_text) return false;
  }
  return reader.ok() && has_text;
}

// What the bytes seem to be instead, as the end of a sentence; "" if that is unknown.
std::string OtherKind(std::string_view bytes, std::string_view origin) {
  constexpr std::string_view kAdvice = "name the .model file of a SentencePiece tokenizer";
  const std::string_view beginning = bytes.substr(0, kBeginningSize);
  if (const auto kind = FindOtherKind(beginning, origin)) return fmt::format("; it {}", *kind);
  const size_t first = beginning.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && beginning[first] == '{') {
    return fmt::format("; it seems to be JSON, such as a tokenizer.json of Hugging Face; {}",
                       kAdvice);
  }
  // `beginning` may end in the middle of a character. Models contain control characters.
  constexpr size_t kLongestCharacter = 4;
  const auto is_control = [](char c) { return (c >= 0 && c < '\t') || (c > '\r' && c < ' '); };
  if (beginning.empty()) return "; it is empty";
  if (std::ranges::none_of(beginning, is_control) &&
      FindInvalidUtf8(beginning).value_or(bytes.size()) + kLongestCharacter > beginning.size()) {
    return fmt::format("; it seems to be text, such as a list of pieces; {}", kAdvice);
  }
  return "";
}

}  // namespace

std::set<std::string, std::less<>> UserDefinedSymbols(std::string_view bytes) {
  std::set<std::string, std::less<>> symbols;
  MessageReader model(bytes);
  while (const auto piece = model.Next()) {
    if (piece->number != kPieces || !piece->has_bytes) continue;
    std::string_view text;
    bool is_symbol = false;
    MessageReader reader(piece->bytes);
    while (const auto field = reader.Next()) {
      if (field->number == kPieceText && field->has_bytes) text = field->bytes;
      if (field->number == kPieceType) is_symbol = field->varint == kUserDefinedType;
    }
    if (is_symbol) symbols.emplace(text);
  }
  return symbols;
}

void CheckSentencePieceModel(std::string_view bytes, std::string_view origin) {
  // The largest vocabularies in use have a million pieces and take 20 MB.
  constexpr size_t kMaxBytes = size_t{64} << 20;
  constexpr size_t kMaxPieces = 2'000'000;
  if (bytes.size() > kMaxBytes) {
    throw UsageError("{}: is not a SentencePiece model: {} bytes, but at most {} are allowed",
                     origin, bytes.size(), kMaxBytes);
  }
  MessageReader reader(bytes);
  size_t pieces = 0;
  while (const auto field = reader.Next()) {
    if (!field->has_bytes) continue;
    if (field->number == kPieces && (!IsSafePiece(field->bytes) || ++pieces > kMaxPieces)) {
      throw UsageError("{}: is not a SentencePiece model that can be used: piece {} of it {}",
                       origin, pieces, pieces > kMaxPieces ? "is one too many" : "is no text");
    }
    if ((field->number == kNormalizerSpec || field->number == kDenormalizerSpec) &&
        !IsSafeNormalizer(field->bytes)) {
      throw UsageError(
          "{}: is not a SentencePiece model that can be used: its table of character replacements "
          "is damaged",
          origin);
    }
  }
  if (!reader.ok() || pieces == 0) {
    throw UsageError("{}: is not a SentencePiece model{}", origin, OtherKind(bytes, origin));
  }
}

}  // namespace wavemt
