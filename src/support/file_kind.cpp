#include "support/file_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/decompressor.h"
#include "support/shell_word.h"
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
constexpr std::string_view kWriteText = "save its text as UTF-8, one sentence per line";

// Text begins with none of these: all except those of PDF contain unprintable bytes.
constexpr auto kKinds = std::to_array<Kind>({
    {"PK\x03\x04", "is a zip archive", kUnpackArchive},
    {"7z\xBC\xAF\x27\x1C", "is a 7z archive", kUnpackArchive},
    {"Rar!\x1A\x07", "is a rar archive", kUnpackArchive},
    {{"ustar\0", 6}, "is a tar archive", kUnpackArchive, 257},
    {{"ustar  \0", 8}, "is a tar archive", kUnpackArchive, 257},
    {"\x04\x22\x4D\x18", "is lz4-compressed", "unpack it first with: lz4 -d"},
    {"\x1F\x9D", "is compressed by Unix compress", "unpack it first with: gzip -d"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "is an old Word or Excel document", kWriteText},
    {"%PDF-1.", "is a PDF document", kWriteText},
    {"%PDF-2.", "is a PDF document", kWriteText},
    {"PAR1\x15", "is a Parquet table", kWriteText},
    {{"SQLite format 3\0", 16}, "is an SQLite database", kWriteText},
});

// The file begins with the header's length in eight bytes, the upper four of which are zero for any
// realistic length, followed by the header, a JSON object.
bool IsSafetensors(std::string_view beginning) {
  constexpr std::string_view kBegin("\0\0\0\0{\"", 6);
  return beginning.size() > 10 && beginning.substr(4).starts_with(kBegin);
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
  if (IsSafetensors(beginning)) return "is a safetensors file, which holds weights, not text";
  if (const CompressedFormat* format = GuessFormat(beginning).format) {
    return fmt::format("is {0}-compressed; unpack it first with: {0} -d", format->name);
  }
  if (const auto encoding = FindWideEncoding(beginning)) return DescribeWideText(*encoding, file);
  return std::nullopt;
}

}  // namespace wavemt
