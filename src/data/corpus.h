#pragma once

#include <cstdint>
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

/// Reads a parallel corpus pair by pair, in the order of its files. Usage errors name the file and
/// the line: sides of different length, a TSV line without exactly two columns, and whatever
/// LineReader refuses.
class ParallelReader {
 public:
  explicit ParallelReader(ParallelFiles files);

  /// False at the end of the last file.
  bool Next(SentencePair* pair);

 private:
  bool NextOfOpenFiles(SentencePair* pair);
  [[noreturn]] void RefuseDifferentLengths(bool source_is_longer);

  ParallelFiles files_;
  size_t next_file_ = 0;
  std::optional<LineReader> source_;  // Also the open TSV file.
  std::optional<LineReader> target_;
};

/// All pairs, in order.
std::vector<SentencePair> ReadParallel(const ParallelFiles& files);

/// At most `limit` non-blank sentences of the chosen sides, sampled evenly from the whole corpus by
/// `seed` (reservoir sampling, Vitter 1985, algorithm R), for training a vocabulary.
struct SentenceSample {
  bool source = true;
  bool target = true;
  int64_t limit = 0;
  uint64_t seed = 0;
};
std::vector<std::string> SampleSentences(const ParallelFiles& files, const SentenceSample& sample);

}  // namespace wavemt
