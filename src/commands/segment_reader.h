#pragma once

#include <string>
#include <vector>

#include "evaluation/metric.h"
#include "support/line_reader.h"

namespace wavemt {

/// Reads a file of translations and its files of references side by side, in portions. Errors are
/// usage errors that name the file and the line: those of LineReader, and files of different
/// lengths. As sacreBLEU's command line does, it takes trailing whitespace off every line.
class SegmentReader {
 public:
  struct Files {
    std::string hypotheses;  // "-" is standard input, for one of all.
    std::vector<std::string> references;
    /// An empty reference is none, instead of one that is empty.
    bool variable_references = false;
  };
  explicit SegmentReader(const Files& files);

  /// The next segments, none at the end. Their text lives until the next call.
  const std::vector<Segment>& Next();

 private:
  bool ReadLine(size_t i);
  [[noreturn]] void ThrowForDifferentLengths();
  Segment SegmentAt(size_t i) const;

  bool variable_references_;
  int64_t lines_before_ = 0;                     // In earlier portions.
  std::vector<LineReader> readers_;              // The hypotheses first.
  std::vector<std::vector<std::string>> lines_;  // Of each file, this portion.
  std::vector<Segment> segments_;
};

}  // namespace wavemt
