#pragma once

#include <optional>
#include <string_view>

namespace wavemt {

/// UTF-16 or UTF-32, as what a text seems to be.
struct WideEncoding {
  std::string_view name;       // "UTF-16"
  std::string_view order;      // "little-endian"
  std::string_view code_name;  // For iconv, which is told the byte order unless a mark tells it.
  bool has_mark = false;
};

/// The wide encoding that the beginning of a text seems to have; nothing: it may be UTF-8.
///
/// A byte order mark decides, since no byte of one stands in UTF-8. Without a mark, the bytes are
/// read as code units of each encoding and byte order, and these have to look like text. UTF-32:
/// all are characters, two of them visible. UTF-16: three units or more, not only spaces, next
/// to no control characters, lone surrogates, private characters or line ends with their bytes
/// swapped; and one of these, which NUL bytes here and there in UTF-8 text do not bring about:
///  - at least half of the units, and three, are ASCII: a NUL in every second byte (Latin);
///  - nine of ten have a high byte below 0x20, which is a control character in UTF-8, and two are
///    ASCII (Cyrillic, Greek, Hebrew, Arabic, Devanagari, Thai);
///  - one is a space or an end of a line, and as UTF-8 the text is broken in four places or more,
///    one for ten characters, and in more than it has characters that are neither broken nor ASCII
///    (Chinese, Japanese, Korean).
/// A text of less than that is not told apart: a few characters, or Chinese before its first line
/// ends (invalid UTF-8 in any case). Of the Chinese in data/quickstart every ten lines are known,
/// and more than half of the single ones.
std::optional<WideEncoding> FindWideEncoding(std::string_view beginning);

}  // namespace wavemt
