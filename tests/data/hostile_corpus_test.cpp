#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "../support/gzip.h"
#include "../support/hostile_text.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "data/corpus.h"

namespace wavemt {
namespace {

// Setting WAVEMT_TORTURE makes the tests longer.
int64_t NumLines() { return std::getenv("WAVEMT_TORTURE") == nullptr ? 30'000 : 1'000'000; }

// One side of a corpus. Each line ends with "\n" or "\r\n".
class HostileSide {
 public:
  explicit HostileSide(uint64_t seed) : text_(seed) {}

  // A line's bytes in the file, and what a reader must return for it.
  struct Line {
    std::string bytes;
    std::string read;
  };
  Line Next() {
    Line line = {.bytes = text_.Line(), .read = {}};
    line.read = line.bytes;
    if (text_.Draw(3) == 0) {
      line.bytes += "\r\n";
    } else {
      if (line.read.ends_with('\r')) line.read.pop_back();
      line.bytes += "\n";
    }
    return line;
  }

  // Writes the lines as plain text, or as gzip members of some thousand lines each.
  void WriteTo(const std::filesystem::path& path, bool byte_order_mark, bool compressed) {
    std::ofstream file(path, std::ios::binary);
    std::string member = byte_order_mark ? "\uFEFF" : "";
    for (int64_t i = 1; i <= NumLines(); ++i) {
      Line line = Next();
      // The first line is blank, because it could begin with a byte order mark of its own.
      if (i == 1) line.bytes.assign(1, '\n');
      member += line.bytes;
      if (i % 7001 != 0 && i != NumLines()) continue;
      file << (compressed ? Gzip(member) : member);
      member.clear();
    }
    ASSERT_TRUE(file.flush());
  }

 private:
  HostileText text_;
};

TEST(HostileCorpusTest, LineNIsPairedWithLineN) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "source.gz";
  const auto target = folder.path() / "target";
  HostileSide(1).WriteTo(source, /*byte_order_mark=*/true, /*compressed=*/true);
  HostileSide(2).WriteTo(target, /*byte_order_mark=*/false, /*compressed=*/false);

  HostileSide source_lines(1);
  HostileSide target_lines(2);
  ParallelReader reader({.source = {source}, .target = {target}, .tsv = {}});
  int64_t count = 0;
  for (SentencePair pair; reader.Next(&pair);) {
    const std::string expected_source = source_lines.Next().read;
    const std::string expected_target = target_lines.Next().read;
    ++count;
    ASSERT_EQ(pair.source, count == 1 ? "" : expected_source) << "line " << count;
    ASSERT_EQ(pair.target, count == 1 ? "" : expected_target) << "line " << count;
  }
  EXPECT_EQ(count, NumLines());
}

TEST(HostileCorpusTest, NamesAnIllFormedLineAnywhere) {
  const TemporaryFolder folder;
  HostileText text(3);
  for (int trial = 0; trial < 300; ++trial) {
    const uint64_t count = text.Draw(30) + 1;
    const uint64_t bad_line = text.Draw(count - 1) + 1;
    std::string sides[2];
    size_t bad_byte = 0;
    for (uint64_t i = 1; i <= count; ++i) {
      sides[0] += text.Line() + "\n";
      std::string line(i == 1 ? 1 : 0, 'x');
      line += text.Line();
      if (i == bad_line) {
        bad_byte = line.size() + 1;
        line += std::string(text.IllFormed()) + "!" + text.Line();
      }
      sides[1] += line + "\n";
    }
    const bool source_is_bad = text.Draw(1) == 0;
    const auto source = folder.Write("source", sides[source_is_bad ? 1 : 0]);
    const auto target = folder.Write("target", sides[source_is_bad ? 0 : 1]);
    const std::string message =
        UsageErrorOf([&] { ReadParallel({.source = {source}, .target = {target}, .tsv = {}}); });
    ASSERT_EQ(message, fmt::format("{}: line {}: invalid UTF-8 at byte {} of the line",
                                   (source_is_bad ? source : target).string(), bad_line, bad_byte));
  }
}

}  // namespace
}  // namespace wavemt
