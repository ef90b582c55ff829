// Fuzzes the corpus reader with untrusted parallel text: two files or one with tabs, plain or
// compressed.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../support/compressed.h"
#include "../support/temporary_folder.h"
#include "data/corpus.h"
#include "fuzz_main.h"
#include "support/decompressor.h"
#include "support/error.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

// A file in memory, under the names NAME and NAME.gz.
class MemoryFile {
 public:
  MemoryFile(const TemporaryFolder& folder, const std::string& name)
      : descriptor_(memfd_create(name.c_str(), MFD_CLOEXEC)), path_(folder.path() / name) {
    const std::string own = "/proc/self/fd/" + std::to_string(descriptor_);
    std::filesystem::create_symlink(own, path_);
    std::filesystem::create_symlink(own, path_.string() + ".gz");
  }

  std::filesystem::path Write(std::string_view bytes, bool gz_name) {
    const auto size = static_cast<ssize_t>(bytes.size());
    if (ftruncate(descriptor_, 0) != 0 ||
        pwrite(descriptor_, bytes.data(), bytes.size(), 0) != size) {
      throw std::runtime_error("cannot write in memory");
    }
    return gz_name ? path_.string() + ".gz" : path_.string();
  }

 private:
  int descriptor_;
  std::filesystem::path path_;
};

std::string PackGzip(Random& random, std::string_view text) {
  static z_stream stream = [] {
    z_stream made{};
    constexpr int kGzipWrapper = 16;
    constexpr int kSmallestMemory = 1;
    deflateInit2(&made, 1, Z_DEFLATED, MAX_WBITS + kGzipWrapper, kSmallestMemory,
                 Z_DEFAULT_STRATEGY);
    return made;
  }();
  std::string packed;
  do {  // One or more members.
    const size_t member_size = random.OneIn(4) ? random.Below(text.size() + 1) : text.size();
    deflateReset(&stream);
    const size_t begin = packed.size();
    packed.resize(begin + deflateBound(&stream, member_size));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(member_size);
    stream.next_out = reinterpret_cast<Bytef*>(packed.data() + begin);
    stream.avail_out = static_cast<uInt>(packed.size() - begin);
    deflate(&stream, Z_FINISH);
    packed.resize(packed.size() - stream.avail_out);
    text.remove_prefix(member_size);
  } while (!text.empty());
  return packed;
}

std::string Pack(Random& random, std::string_view text) {
  return random.OneIn(4) ? random.Choose(std::span<const Packer>(kPackers)).pack(text)
                         : PackGzip(random, text);
}

// The contents of an input: the bytes of two files, or of one with tabs.
struct Files {
  bool tsv = false;
  bool gz_name = false;
  std::string_view first;
  std::string_view second;
};

// An input consists of 't' or 'f', 'z' or 'p', four bytes with the size of the first file, and both
// files.
std::string Join(const Files& files) {
  const auto size = static_cast<uint32_t>(files.first.size());
  std::string input = {files.tsv ? 't' : 'f', files.gz_name ? 'z' : 'p'};
  input.append(reinterpret_cast<const char*>(&size), sizeof(size));
  return input.append(files.first).append(files.second);
}

Files Split(std::string_view input) {
  uint32_t size = 0;
  std::copy_n(input.begin() + 2, sizeof(size), reinterpret_cast<char*>(&size));
  return {.tsv = input[0] == 't',
          .gz_name = input[1] == 'z',
          .first = input.substr(6, size),
          .second = input.substr(6 + size)};
}

std::string MakeLine(Random& random, bool tsv) {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"a", "Ein Mann .", "波は高い", "\xF0\x9F\x8C\x8A", "", " ", "\xC2\xA0", "x"});
  std::string line(random.Choose(kWords));
  if (tsv && !random.OneIn(100)) line += "\t" + std::string(random.Choose(kWords));
  if (tsv && random.OneIn(100)) line += "\t" + std::string(random.Choose(kWords));
  if (random.OneIn(20)) line += random.Choose(kHardBytes);
  if (random.OneIn(20)) line.insert(0, random.Choose(kHardBytes));
  return line;
}

std::string MakeText(Random& random, size_t lines, bool tsv) {
  std::string text;
  if (random.OneIn(20)) text += "\xEF\xBB\xBF";
  for (size_t i = 0; i < lines; ++i)
    text += MakeLine(random, tsv) + (random.OneIn(10) ? "\r\n" : "\n");
  if (random.OneIn(10) && !text.empty()) text.pop_back();
  if (random.OneIn(10)) Damage(random, &text);
  return text;
}

// Small on disk but large in memory: lines up to and beyond the limit.
std::string LargeInput(Random& random) {
  const std::string member = PackGzip(random, std::string(1 << 20, random.OneIn(2) ? 'x' : '\t'));
  std::string packed;
  for (size_t members = size_t{1} << random.Below(8); members > 0; --members) packed += member;
  packed += PackGzip(random, "\n") + packed;
  return Join({.tsv = random.OneIn(2), .gz_name = true, .first = packed, .second = packed});
}

std::string MakeInput(Random& random) {
  if (random.OneIn(100'000)) return LargeInput(random);
  const bool tsv = random.OneIn(3);
  const size_t lines = random.Below(12);
  std::string first = MakeText(random, lines, tsv);
  std::string second = MakeText(random, random.OneIn(20) ? random.Below(12) : lines, tsv);
  if (random.OneIn(4)) {
    first = Pack(random, first);
    if (random.OneIn(2)) Damage(random, &first);
  }
  return Join({.tsv = tsv, .gz_name = random.OneIn(8), .first = first, .second = second});
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned lead = byte(i);
    const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length == 0 || lead > 0xF4) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80) return false;
    }
    const unsigned next = byte(i + 1);
    if ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ||
        (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F)) {
      return false;
    }
    i += length;
  }
  return true;
}

// An independent implementation of reading a plain file's lines; nothing if it must be refused.
std::optional<std::vector<std::string>> LinesOf(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    std::string line(bytes.substr(0, end));
    if (end != std::string_view::npos && line.ends_with('\r')) line.pop_back();
    if (lines.empty() && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (!IsUtf8(line)) return std::nullopt;
    lines.push_back(std::move(line));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
  return lines;
}

// Whether the first bytes are those of a compressed format. Three bytes (two for gzip) are enough,
// since plain text rarely begins with them.
bool IsPacked(std::string_view bytes) {
  constexpr auto kBegin =
      std::to_array<std::string_view>({"\x1F\x8B", "\x28\xB5\x2F", "\xFD\x37z", "BZh"});
  return std::ranges::any_of(kBegin, [&](auto begin) { return bytes.starts_with(begin); });
}
// Whether a file with this name holds only the first bytes of a compressed format, or zeros.
bool IsNoGz(const Files& files, std::string_view bytes) {
  return files.gz_name && (bytes.empty() || bytes == "\x1F" || bytes.front() == '\0');
}
// Whether a text may be taken for UTF-16 or UTF-32.
bool MayBeWide(const Files& files) {
  return files.first.find('\0') != std::string_view::npos ||
         files.second.find('\0') != std::string_view::npos;
}

// The pairs in a file with tabs; nothing if a line has no tab, or more tabs than the first line
// that is not blank.
std::optional<std::vector<SentencePair>> PairsOfTsv(const std::vector<std::string>& lines) {
  std::vector<SentencePair> pairs;
  std::optional<ptrdiff_t> max_tabs;
  for (const std::string& line : lines) {
    SentencePair& pair = pairs.emplace_back();
    if (IsBlank(line)) continue;
    const ptrdiff_t tabs = std::count(line.begin(), line.end(), '\t');
    if (!max_tabs) max_tabs = tabs;
    if (tabs == 0 || tabs > *max_tabs) return std::nullopt;
    const size_t first = line.find('\t');
    pair.source = line.substr(0, first);
    pair.target = line.substr(first + 1, line.find('\t', first + 1) - first - 1);
  }
  return pairs;
}

// The expected result for plain files; nothing if the reader must refuse them.
std::optional<std::vector<SentencePair>> ExpectedPairs(const Files& files) {
  const auto first = LinesOf(files.first);
  if (!first || IsNoGz(files, files.first)) return std::nullopt;
  if (files.tsv) return PairsOfTsv(*first);
  const auto second = LinesOf(files.second);
  if (!second || IsNoGz(files, files.second) || first->size() != second->size()) {
    return std::nullopt;
  }
  std::vector<SentencePair> pairs;
  for (size_t i = 0; i < first->size(); ++i) pairs.push_back({(*first)[i], (*second)[i]});
  return pairs;
}

bool IsRight(const Files& files, const std::optional<std::vector<SentencePair>>& pairs) {
  const auto expected = ExpectedPairs(files);
  if (!expected || !pairs) return expected.has_value() == pairs.has_value();
  return std::equal(pairs->begin(), pairs->end(), expected->begin(), expected->end(),
                    [](const SentencePair& a, const SentencePair& b) {
                      return a.source == b.source && a.target == b.target;
                    });
}

// Both files may need the maximum memory for unpacking.
constexpr int64_t kMaxMemory = (int64_t{64} + int64_t{2} * kMaxUnpackingMemory) << 20;

void ReadInput(const std::string& input) {
  static const TemporaryFolder folder;
  static MemoryFile first(folder, "first");
  static MemoryFile second(folder, "second");
  const Files files = Split(input);
  ParallelFiles paths;
  if (files.tsv) {
    paths.tsv = {first.Write(files.first, files.gz_name)};
  } else {
    paths.source = {first.Write(files.first, files.gz_name)};
    paths.target = {second.Write(files.second, files.gz_name)};
  }
  const bool known = !IsPacked(files.first) && (files.tsv || !IsPacked(files.second));
  ParallelReader reader(paths);
  if (!known) {
    for (SentencePair pair; reader.Next(&pair);) {
    }
    return;
  }
  std::vector<SentencePair> pairs;
  try {
    for (SentencePair pair; reader.Next(&pair);) pairs.push_back(std::move(pair));
  } catch (const Error& error) {
    const bool as_wide =
        std::string_view(error.what()).find(": seems to be UTF-") != std::string_view::npos;
    Require((as_wide && MayBeWide(files)) || IsRight(files, std::nullopt),
            "a good corpus was refused");
    throw;
  }
  Require(IsRight(files, pairs), "a corpus was not read as it is");
}

}  // namespace
}  // namespace wavemt

int main(int argc, char** argv) {
  return wavemt::FuzzMain(argc, argv,
                          {.name = "corpus",
                           .make = wavemt::MakeInput,
                           .read = wavemt::ReadInput,
                           .memory = wavemt::kMaxMemory});
}
