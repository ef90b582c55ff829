#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace wavemt {

/// The least number of inserted, deleted and replaced words that turns a hypothesis into a
/// reference, searched near the diagonal as sacreBLEU's TER does it. Holds the table of one
/// hypothesis, against which reorderings of its words are measured cheaply.
class EditDistance {
 public:
  /// REQUIRES: the words stay until the next call; neither side is empty.
  void SetReference(std::span<const uint32_t> reference, size_t hypothesis_length);

  /// Measures `hypothesis` and keeps its table. REQUIRES: it has the length that was announced.
  int32_t Set(std::span<const uint32_t> hypothesis);

  /// Measures a hypothesis that equals the last one of Set() outside words [begin, end).
  int32_t OfChanged(std::span<const uint32_t> hypothesis, size_t begin, size_t end);

  /// How the last hypothesis of Set() became the reference, first edit first.
  enum Edit : uint8_t { kKeep, kReplace, kInsert, kDelete };
  void Trace(std::vector<Edit>* edits) const;

 private:
  static constexpr int32_t kInfinity = std::numeric_limits<int32_t>::max() / 2;

  // One row a hypothesis word behind row 0; a row holds the columns near the diagonal only, the
  // others count as infinite.
  struct Row {
    int64_t begin = 0;  // Columns that are computed: begin <= j < end.
    int64_t end = 0;
  };
  int32_t* Cells(std::vector<int32_t>* table, size_t i) const;
  void ComputeRow(size_t i, uint32_t word, const int32_t* above, int32_t* row) const;
  int64_t FirstColumn(size_t i) const { return rows_[i].begin - 1; }

  std::span<const uint32_t> reference_;
  std::vector<uint32_t> hypothesis_;
  std::vector<Row> rows_;
  size_t stride_ = 0;
  std::vector<int32_t> table_;    // Of the last Set().
  std::vector<int32_t> changed_;  // Scratch rows of OfChanged().
};

}  // namespace wavemt
