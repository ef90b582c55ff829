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
  float weight = 1.0F;  // In the loss; at least 0.
};

/// Throws a usage error unless `path` is a readable regular file. A pipe can be read only once, but
/// a corpus is read for the vocabulary, for the token ids and again by `resume`.
void RequireCorpusFile(const std::filesystem::path& path);

/// Reads a parallel corpus pair by pair, in the order of its files. A blank line of a TSV file is a
/// pair with two blank sides. Throws usage errors, which name the file and the line, if
///   - the two sides differ in length,
///   - a TSV line lacks a column,
///   - a TSV line has more columns than the first of its file: a tab in the text would truncate it,
///   - a file of weights has more or fewer lines, or one that is not a number of at least 0,
///   - LineReader or RequireCorpusFile() refuses a file.
class ParallelReader {
 public:
  /// `weights`: none, or a file for each file of pairs.
  explicit ParallelReader(ParallelFiles files, InvalidUtf8 invalid = InvalidUtf8::kRefuse,
                          std::vector<std::filesystem::path> weights = {});

  /// False at the end of the last file.
  bool Next(SentencePair* pair);

  /// The whole line of a TSV file that the last pair came from; else empty.
  const std::string& tsv_line() const { return tsv_line_; }

  /// The file that the last pair came from, counted from 0, and its line there, from 1.
  size_t file() const { return next_file_ - 1; }
  int64_t line() const { return source_->line_number(); }

  /// The lines so far, those of both sides, in which bytes that are not UTF-8 were replaced.
  int64_t lines_replaced() const;

  /// Bytes read from the files so far; compressed bytes if a file is compressed.
  int64_t bytes_read() const;

  /// Whether a TSV line so far had columns that were ignored.
  bool left_columns_out() const { return left_columns_out_; }

 private:
  bool NextOfOpenFiles(SentencePair* pair);
  bool NextOfSides(SentencePair* pair);
  bool NextOfTsv(SentencePair* pair);
  void ReadWeight(bool has_pair, SentencePair* pair);

  ParallelFiles files_;
  InvalidUtf8 invalid_;
  std::vector<std::filesystem::path> weights_;
  size_t next_file_ = 0;
  int64_t bytes_before_ = 0;  // Of the finished files.
  int64_t replaced_before_ = 0;
  std::optional<LineReader> source_;  // Or the open TSV file.
  std::optional<LineReader> target_;
  std::optional<LineReader> weight_;
  std::string tsv_line_;
  int64_t tsv_columns_ = 0;  // In the open TSV file's first non-blank line; 0: none yet.
  bool left_columns_out_ = false;
};

/// Logs which columns of the files of `name` ("data.train") are read, if `reader` ignored others.
void SayWhichColumns(const ParallelReader& reader, const ParallelFiles& files,
                     const std::string& name);

/// Returns all pairs in order. Calls SayWhichColumns() unless `name` is empty.
std::vector<SentencePair> ReadParallel(const ParallelFiles& files, const std::string& name = "");

/// Which sentences SampleSentences() returns.
struct SentenceSample {
  bool source = true;
  bool target = true;
  bool normalize_whitespace = false;
  int64_t limit = 0;              // The most sentences to return.
  std::string source_language{};  // For the filters; empty: as the files' names say.
  std::string target_language{};
  uint64_t seed = 0;
};
/// Samples sentences for training a vocabulary, uniformly from all pairs that training uses
/// (reservoir sampling, Vitter 1985, algorithm R). Skips blank sentences and those over
/// kLongestTrainingSentence bytes.
std::vector<std::string> SampleSentences(const std::vector<TrainingCorpus>& corpora,
                                         const SentenceSample& sample);

}  // namespace wavemt
