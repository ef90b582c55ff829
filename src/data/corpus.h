#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "support/line_reader.h"

namespace wavemt {

struct SentencePair {
  std::string source;
  std::string target;
};

/// A usage error unless `path` is a regular file that can be read. A pipe gives its text once, but
/// the text of a corpus is wanted for the vocabulary, for the token ids and again by `resume`.
void RequireCorpusFile(const std::filesystem::path& path);

/// Reads a parallel corpus pair by pair, in the order of its files. A blank line of a TSV file is a
/// pair with two blank sides. Usage errors name the file and the line: sides of different length, a
/// TSV line that lacks a column or has more than the first line of its file (a tab inside the text
/// would cut it off), and whatever LineReader and RequireCorpusFile() refuse.
class ParallelReader {
 public:
  explicit ParallelReader(ParallelFiles files);

  /// False at the end of the last file.
  bool Next(SentencePair* pair);

  /// Bytes taken from the files so far, packed ones where they are packed.
  int64_t bytes_read() const;

  /// Whether some TSV line so far has columns that are left out.
  bool left_columns_out() const { return left_columns_out_; }

 private:
  bool NextOfOpenFiles(SentencePair* pair);
  bool NextOfTsv(SentencePair* pair);
  [[noreturn]] void RefuseDifferentLengths(bool source_is_longer);

  ParallelFiles files_;
  size_t next_file_ = 0;
  int64_t bytes_before_ = 0;          // Of the files behind.
  std::optional<LineReader> source_;  // Also the open TSV file.
  std::optional<LineReader> target_;
  int64_t tsv_columns_ = 0;  // Of the open TSV file's first line that is not blank; 0: none yet.
  bool left_columns_out_ = false;
};

/// Says in the log which columns of the files of `name` ("data.train") are read, where `reader`
/// left others out.
void SayWhichColumns(const ParallelReader& reader, const ParallelFiles& files,
                     const std::string& name);

/// All pairs, in order; `name` is that of SayWhichColumns(), empty: nothing is said.
std::vector<SentencePair> ReadParallel(const ParallelFiles& files, const std::string& name = "");

/// At most `limit` sentences of the chosen sides, neither blank nor too long for it, sampled evenly
/// from the whole corpus by `seed` (reservoir sampling, Vitter 1985, algorithm R), for training a
/// vocabulary.
struct SentenceSample {
  bool source = true;
  bool target = true;
  bool normalize_whitespace = false;
  int64_t limit = 0;
  uint64_t seed = 0;
};
std::vector<std::string> SampleSentences(const ParallelFiles& files, const SentenceSample& sample);

}  // namespace wavemt
