#include "support/wide_encoding.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "support/characters.h"

namespace wavemt {
namespace {

enum class ByteOrder { kLittle, kBig };

// The code unit of `width` bytes at `offset`.
uint32_t UnitAt(std::string_view bytes, size_t offset, size_t width, ByteOrder order) {
  uint32_t unit = 0;
  for (size_t i = 0; i < width; ++i) {
    const size_t at = offset + (order == ByteOrder::kBig ? i : width - 1 - i);
    unit = unit << 8 | static_cast<uint8_t>(bytes[at]);
  }
  return unit;
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }
bool IsSpace(uint32_t unit) { return unit == ' ' || unit == '\n' || unit == '\r' || unit == '\t'; }
bool IsControl(uint32_t unit) { return (unit < 0x20 && !IsSpace(unit)) || unit == 0x7F; }

bool IsPrivate(uint32_t unit) { return unit >= 0xE000 && unit < 0xF900; }

// Code units that are rare or impossible in text. They include a space and line ends with their
// bytes swapped.
bool IsStrange(uint32_t unit) {
  constexpr auto kStrange = std::to_array<uint32_t>({0x0A00, 0x0D00, 0x2000, 0xFFFE, 0xFFFF});
  return IsControl(unit) || IsPrivate(unit) || std::ranges::find(kStrange, unit) != kStrange.end();
}

bool SeemsUtf32(std::string_view bytes, ByteOrder order) {
  size_t visible = 0;
  for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    const uint32_t unit = UnitAt(bytes, i, 4, order);
    if (unit > 0x10FFFF || IsControl(unit) || IsHighSurrogate(unit) || IsLowSurrogate(unit)) {
      return false;
    }
    visible += IsSpace(unit) ? 0 : 1;
  }
  return visible >= 2;
}

// Whether most non-ASCII content is invalid as UTF-8, in many places. Adjacent invalid bytes count
// once, since a single broken character may have five.
bool IsFarFromUtf8(std::string_view bytes) {
  size_t characters = 0;
  size_t valid = 0;  // Non-ASCII characters.
  size_t broken_runs = 0;
  bool was_broken = false;
  ForEachCharacter(bytes, [&](char32_t character, std::string_view its_bytes) {
    const bool is_broken = character == U'\uFFFD' && its_bytes != "\uFFFD";
    ++characters;
    valid += character >= 0x80 && !is_broken ? 1 : 0;
    broken_runs += is_broken && !was_broken ? 1 : 0;
    was_broken = is_broken;
  });
  return broken_runs >= 4 && broken_runs * 10 >= characters && broken_runs > valid;
}

bool SeemsUtf16(std::string_view bytes, ByteOrder order) {
  size_t units = 0;
  size_t strange = 0;
  size_t ascii = 0;
  size_t spaces = 0;
  size_t high_is_control = 0;
  bool in_pair = false;
  for (size_t i = 0; i + 2 <= bytes.size(); i += 2) {
    const uint32_t unit = UnitAt(bytes, i, 2, order);
    ++units;
    high_is_control += unit < 0x2000 ? 1 : 0;
    if (IsLowSurrogate(unit) != in_pair || IsStrange(unit)) {
      ++strange;
    } else if (unit < 0x80) {
      ++ascii;
      spaces += IsSpace(unit) ? 1 : 0;
    }
    in_pair = IsHighSurrogate(unit);
  }
  if (units < 3 || strange * 50 > units || spaces + strange == units) return false;
  return (ascii >= 3 && ascii * 2 >= units) || (ascii >= 2 && high_is_control * 10 >= units * 9) ||
         (spaces >= 1 && IsFarFromUtf8(bytes));
}

}  // namespace

std::optional<WideEncoding> FindWideEncoding(std::string_view beginning) {
  struct Candidate {
    WideEncoding encoding;
    ByteOrder order;
    std::string_view mark;
    bool (*seems)(std::string_view, ByteOrder);
  };
  // UTF-32 comes first, because its little-endian mark begins with that of UTF-16.
  static constexpr auto kCandidates = std::to_array<Candidate>({
      {{"UTF-32", "little-endian", "UTF-32LE"},
       ByteOrder::kLittle,
       {"\xFF\xFE\0\0", 4},
       SeemsUtf32},
      {{"UTF-32", "big-endian", "UTF-32BE"}, ByteOrder::kBig, {"\0\0\xFE\xFF", 4}, SeemsUtf32},
      {{"UTF-16", "little-endian", "UTF-16LE"}, ByteOrder::kLittle, "\xFF\xFE", SeemsUtf16},
      {{"UTF-16", "big-endian", "UTF-16BE"}, ByteOrder::kBig, "\xFE\xFF", SeemsUtf16},
  });
  for (const Candidate& candidate : kCandidates) {
    if (!beginning.starts_with(candidate.mark)) continue;
    WideEncoding found = candidate.encoding;
    found.code_name = found.name;
    found.has_mark = true;
    return found;
  }
  // Wide encodings of ASCII characters contain NUL bytes. Ordinary text ends here.
  if (beginning.find('\0') == std::string_view::npos) return std::nullopt;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.seems(beginning, candidate.order)) return candidate.encoding;
  }
  return std::nullopt;
}

}  // namespace wavemt
