#pragma once

#include <string>
#include <vector>

#include "evaluation/metric.h"
#include "support/line_reader.h"

namespace wavemt {

/// Reads a file of translations and the corresponding files of references in parallel, in portions.
/// Like sacreBLEU's command line, strips trailing whitespace from every line. Throws the usage
/// errors of LineReader, and one if the files differ in length.
class SegmentReader {
 public:
  struct Files {
    std::string hypotheses;  // At most one of all files may be "-", standard input.
    std::vector<std::string> references;
    /// An empty line means that this reference is missing, not that it is empty.
    bool variable_references = false;
  };
  explicit SegmentReader(const Files& files);

  /// The next segments; none at the end. Their text stays valid until the next call.
  const std::vector<Segment>& Next();

 private:
  bool ReadLine(size_t i);
  [[noreturn]] void ThrowForDifferentLengths();
  Segment SegmentAt(size_t i) const;

  bool variable_references_;
  int64_t lines_before_ = 0;                     // In earlier portions.
  std::vector<LineReader> readers_;              // For the hypotheses, then the references.
  std::vector<std::vector<std::string>> lines_;  // The current portion of each file.
  std::vector<Segment> segments_;
};

}  // namespace wavemt
