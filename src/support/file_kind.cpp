#include "support/file_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/decompressor.h"
#include "support/wide_encoding.h"

namespace wavemt {
namespace {

struct Kind {
  std::string_view magic;
  std::string_view is;
  std::string_view advice;
  size_t offset = 0;
};

constexpr std::string_view kUnpackArchive = "unpack it and name the file in it";
constexpr std::string_view kWriteText = "write its text to a file of UTF-8, a sentence a line";

// None of these is text: all but PDF's hold bytes that are no letters.
constexpr auto kKinds = std::to_array<Kind>({
    {"PK\x03\x04", "is a zip archive", kUnpackArchive},
    {"7z\xBC\xAF\x27\x1C", "is a 7z archive", kUnpackArchive},
    {"Rar!\x1A\x07", "is a rar archive", kUnpackArchive},
    {{"ustar\0", 6}, "is a tar archive", kUnpackArchive, 257},
    {{"ustar  \0", 8}, "is a tar archive", kUnpackArchive, 257},
    {"\x04\x22\x4D\x18", "is lz4-compressed", "unpack it first, by: lz4 -d"},
    {"\x1F\x9D", "is compressed by Unix compress", "unpack it first, by: gzip -d"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "is an old Word or Excel document", kWriteText},
    {"%PDF-1.", "is a PDF document", kWriteText},
    {"%PDF-2.", "is a PDF document", kWriteText},
    {"PAR1\x15", "is a Parquet table", kWriteText},
    {{"SQLite format 3\0", 16}, "is an SQLite database", kWriteText},
});

// Eight bytes with the size of a header, of which so large a one has none in the upper four, and
// the header, a JSON object.
bool IsSafetensors(std::string_view beginning) {
  constexpr std::string_view kBegin("\0\0\0\0{\"", 6);
  return beginning.size() > 10 && beginning.substr(4).starts_with(kBegin);
}

// A word that a shell takes as it is.
std::string ShellWord(const std::string& text) {
  constexpr std::string_view kHarmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%=-";
  if (text.find_first_not_of(kHarmless) == std::string::npos && !text.starts_with('-')) return text;
  std::string quoted = text.starts_with('-') ? "'./" : "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string DescribeWideText(const WideEncoding& encoding, const std::filesystem::path& file) {
  std::string text = fmt::format(
      "seems to be {} ({}{}); make it UTF-8, for example by: iconv -f {} -t UTF-8", encoding.name,
      encoding.order, encoding.has_mark ? "" : ", without a byte order mark", encoding.code_name);
  if (file.empty()) return text;
  std::filesystem::path made = file;
  made.replace_extension(".utf8" + file.extension().string());
  return text + fmt::format(" {} > {}", ShellWord(file.string()), ShellWord(made.string()));
}

}  // namespace

std::optional<std::string> FindOtherKind(std::string_view beginning,
                                         const std::filesystem::path& file) {
  beginning = beginning.substr(0, kBeginningSize);
  const auto kind = std::ranges::find_if(kKinds, [&](const Kind& known) {
    return beginning.size() > known.offset &&
           beginning.substr(known.offset).starts_with(known.magic);
  });
  if (kind != kKinds.end()) return fmt::format("{}; {}", kind->is, kind->advice);
  if (IsSafetensors(beginning)) return "is a safetensors file, which holds weights and no text";
  if (const CompressedFormat* format = GuessFormat(beginning).format) {
    return fmt::format("is {0}-compressed; unpack it first, by: {0} -d", format->name);
  }
  if (const auto encoding = FindWideEncoding(beginning)) return DescribeWideText(*encoding, file);
  return std::nullopt;
}

}  // namespace wavemt
