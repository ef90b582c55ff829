#include "commands/segment_reader.h"

#include <algorithm>

#include "support/error.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr size_t kLinesAtATime = 8192;  // Enough to occupy all threads, but little memory.

}  // namespace

SegmentReader::SegmentReader(const Files& files) : variable_references_(files.variable_references) {
  const auto from_standard_input =
      std::count(files.references.begin(), files.references.end(), "-") +
      (files.hypotheses == "-" ? 1 : 0);
  if (from_standard_input > 1) {
    throw UsageError("-: standard input can be one of the files, not {}", from_standard_input);
  }
  readers_.push_back(LineReader::Open(files.hypotheses));
  for (const std::string& path : files.references) readers_.push_back(LineReader::Open(path));
  lines_.resize(readers_.size());
}

const std::vector<Segment>& SegmentReader::Next() {
  lines_before_ += static_cast<int64_t>(segments_.size());
  segments_.clear();
  size_t count = 0;
  while (count < kLinesAtATime && ReadLine(count)) ++count;
  for (size_t i = 0; i < count; ++i) segments_.push_back(SegmentAt(i));
  return segments_;
}

// Reads line `i` of the current portion from every file. Returns false if all files have ended.
bool SegmentReader::ReadLine(size_t i) {
  size_t ended = 0;
  for (size_t file = 0; file < readers_.size(); ++file) {
    if (lines_[file].size() <= i) lines_[file].emplace_back();
    ended += readers_[file].Next(&lines_[file][i]) ? 0 : 1;
  }
  if (ended != 0 && ended != readers_.size()) ThrowForDifferentLengths();
  return ended == 0;
}

void SegmentReader::ThrowForDifferentLengths() {
  std::string line;
  for (LineReader& reader : readers_) {
    while (reader.Next(&line)) {
    }
  }
  const LineReader& first = readers_.front();
  const LineReader& other = *std::find_if(
      readers_.begin(), readers_.end(),
      [&](const LineReader& reader) { return reader.line_number() != first.line_number(); });
  const bool first_is_longer = first.line_number() > other.line_number();
  const LineReader& longer = first_is_longer ? first : other;
  const LineReader& shorter = first_is_longer ? other : first;
  throw UsageError(
      "{} has {} lines but {} has {}: line {} has no partner; line n of one must belong to line n "
      "of the other",
      longer.path().string(), longer.line_number(), shorter.path().string(), shorter.line_number(),
      shorter.line_number() + 1);
}

Segment SegmentReader::SegmentAt(size_t i) const {
  Segment segment = {.hypothesis = StripRight(lines_[0][i]), .references = {}};
  for (size_t file = 1; file < lines_.size(); ++file) {
    const std::string_view line = StripRight(lines_[file][i]);
    if (!variable_references_ || !line.empty()) segment.references.push_back(line);
  }
  if (segment.references.empty()) {
    throw UsageError(
        "{}: line {}: is empty in every file of references; with "
        "--variable-references each line needs one",
        readers_[1].path().string(), lines_before_ + static_cast<int64_t>(i) + 1);
  }
  return segment;
}

}  // namespace wavemt
