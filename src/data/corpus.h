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

/// Reads a parallel corpus pair by pair, in the order of its files. Usage errors name the file and
/// the line: sides of different length, a TSV line without exactly two columns, and whatever
/// LineReader and RequireCorpusFile() refuse.
class ParallelReader {
 public:
  explicit ParallelReader(ParallelFiles files);

  /// False at the end of the last file.
  bool Next(SentencePair* pair);

  /// Bytes taken from the files so far, packed ones where they are packed.
  int64_t bytes_read() const;

 private:
  bool NextOfOpenFiles(SentencePair* pair);
  [[noreturn]] void RefuseDifferentLengths(bool source_is_longer);

  ParallelFiles files_;
  size_t next_file_ = 0;
  int64_t bytes_before_ = 0;          // Of the files behind.
  std::optional<LineReader> source_;  // Also the open TSV file.
  std::optional<LineReader> target_;
};

/// All pairs, in order.
std::vector<SentencePair> ReadParallel(const ParallelFiles& files);

/// At most `limit` sentences of the chosen sides, neither blank nor too long for it, sampled evenly
/// from the whole corpus by `seed` (reservoir sampling, Vitter 1985, algorithm R), for training a
/// vocabulary.
struct SentenceSample {
  bool source = true;
  bool target = true;
  int64_t limit = 0;
  uint64_t seed = 0;
};
std::vector<std::string> SampleSentences(const ParallelFiles& files, const SentenceSample& sample);

}  // namespace wavemt
