#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace wavemt {

/// The minimum number of word insertions, deletions and replacements that turn a hypothesis into a
/// reference, searched in a beam around the diagonal like sacreBLEU's TER. Keeps the table of one
/// hypothesis, so that reorderings of its words can be measured cheaply.
class EditDistance {
 public:
  /// REQUIRES: `reference` stays valid until the next call; neither side is empty.
  void SetReference(std::span<const uint32_t> reference, size_t hypothesis_length);

  /// Measures `hypothesis` and keeps its table. REQUIRES: it has the length given above.
  int32_t Set(std::span<const uint32_t> hypothesis);

  /// Measures a hypothesis that differs from that of Set() only in the words [begin, end).
  int32_t OfChanged(std::span<const uint32_t> hypothesis, size_t begin, size_t end);

  /// The edits, in order, that turn the hypothesis of Set() into the reference.
  enum Edit : uint8_t { kKeep, kReplace, kInsert, kDelete };
  void Trace(std::vector<Edit>* edits) const;

 private:
  static constexpr int32_t kInfinity = std::numeric_limits<int32_t>::max() / 2;

  // Row 0 is followed by one row for each hypothesis word. A row holds only the columns near the
  // diagonal; all others count as infinite.
  struct Row {
    int64_t begin = 0;  // The columns that are computed: begin <= j < end.
    int64_t end = 0;
  };
  int32_t* Cells(std::vector<int32_t>* table, size_t i) const;
  void ComputeRow(size_t i, uint32_t word, const int32_t* above, int32_t* row) const;
  int64_t FirstColumn(size_t i) const { return rows_[i].begin - 1; }

  std::span<const uint32_t> reference_;
  std::vector<uint32_t> hypothesis_;
  std::vector<Row> rows_;
  size_t stride_ = 0;
  std::vector<int32_t> table_;    // For the hypothesis of Set().
  std::vector<int32_t> changed_;  // Scratch rows of OfChanged().
};

}  // namespace wavemt
