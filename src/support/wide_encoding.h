#pragma once

#include <optional>
#include <string_view>

namespace wavemt {

/// UTF-16 or UTF-32 with its byte order.
struct WideEncoding {
  std::string_view name;       // "UTF-16"
  std::string_view order;      // "little-endian"
  std::string_view code_name;  // For iconv: includes the byte order unless a mark gives it.
  bool has_mark = false;
};

/// Guesses from the beginning of a text whether it is in a wide encoding. Returns nothing if it may
/// be UTF-8.
///
/// A byte order mark decides, since UTF-8 contains none of its bytes. Without a mark, the bytes are
/// read as code units in each encoding and byte order, and checked for looking like text. UTF-32:
/// all units must be characters, at least two of them visible. UTF-16: at least three units, not
/// all spaces; at most one in fifty a control character, lone surrogate, private-use character or
/// byte-swapped line end; and one of the following, none of which results from occasional NUL bytes
/// in UTF-8 text:
///  - at least three units and half of all are ASCII: every second byte is NUL (Latin scripts);
///  - 90% have a high byte below 0x20, which is a control character in UTF-8, and at least two are
///    ASCII (Cyrillic, Greek, Hebrew, Arabic, Devanagari, Thai);
///  - at least one is a space or line end, and read as UTF-8 the text has at least four broken
///    sequences, at least one per ten characters, and more of them than valid non-ASCII characters
///    (Chinese, Japanese, Korean).
/// Not recognized: texts of only a few characters, and Chinese before its first line end (which is
/// invalid UTF-8 anyway). Of the Chinese in data/quickstart, any ten consecutive lines are
/// recognized, and more than half of the single lines.
std::optional<WideEncoding> FindWideEncoding(std::string_view beginning);

}  // namespace wavemt
