#include "evaluation/edit_distance.h"

#include <algorithm>
#include <cmath>

namespace wavemt {
namespace {

constexpr int64_t kBeamWidth = 25;

// If the lengths differ so much that the windows of adjacent rows would not overlap, the beam is
// widened.
int64_t BeamWidth(double length_ratio) {
  return kBeamWidth < length_ratio / 2
             ? static_cast<int64_t>(std::ceil(length_ratio / 2 + kBeamWidth))
             : kBeamWidth;
}

}  // namespace

void EditDistance::SetReference(std::span<const uint32_t> reference, size_t hypothesis_length) {
  reference_ = reference;
  const auto columns = static_cast<int64_t>(reference.size()) + 1;
  const double length_ratio =
      static_cast<double>(reference.size()) / static_cast<double>(hypothesis_length);
  const int64_t beam_width = BeamWidth(length_ratio);
  rows_.assign(hypothesis_length + 1, Row{});
  for (size_t i = 1; i < rows_.size(); ++i) {
    const auto diagonal = static_cast<int64_t>(std::floor(static_cast<double>(i) * length_ratio));
    rows_[i].begin = std::max<int64_t>(0, diagonal - beam_width);
    rows_[i].end = i == hypothesis_length ? columns : std::min(columns, diagonal + beam_width);
  }
  // Row 0 is only stored from where row 1 reads it.
  rows_[0] = {.begin = rows_[1].begin, .end = columns};

  // A row's cells begin one column before its window and extend to the end of the next row's.
  stride_ = static_cast<size_t>(
      std::min(columns + 2, 2 * beam_width + static_cast<int64_t>(std::ceil(length_ratio)) + 5));
  const size_t cells = rows_.size() * stride_;
  if (table_.size() < cells) {
    table_.resize(cells);
    changed_.resize(cells);
  }
  std::fill_n(table_.begin(), cells, kInfinity);
  std::fill_n(changed_.begin(), cells, kInfinity);
  for (size_t k = 0; k < stride_; ++k) {
    const int64_t j = FirstColumn(0) + static_cast<int64_t>(k);
    if (j >= 0 && j < columns) table_[k] = static_cast<int32_t>(j);
  }
}

int32_t* EditDistance::Cells(std::vector<int32_t>* table, size_t i) const {
  return table->data() + i * stride_;
}

void EditDistance::ComputeRow(size_t i, uint32_t word, const int32_t* above, int32_t* row) const {
  const Row window = rows_[i];
  // Column j - 1 of the row above.
  const int32_t* diagonal = above + (window.begin - 1 - FirstColumn(i - 1));
  int32_t* cell = row + 1;
  int64_t j = window.begin;
  if (j == 0) {
    *cell++ = diagonal[1] + 1;
    ++diagonal;
    ++j;
  }
  for (; j < window.end; ++j, ++diagonal, ++cell) {
    const int32_t replaced = diagonal[0] + (reference_[static_cast<size_t>(j) - 1] == word ? 0 : 1);
    *cell = std::min({replaced, diagonal[1] + 1, cell[-1] + 1, kInfinity});
  }
}

int32_t EditDistance::Set(std::span<const uint32_t> hypothesis) {
  hypothesis_.assign(hypothesis.begin(), hypothesis.end());
  for (size_t i = 1; i < rows_.size(); ++i) {
    ComputeRow(i, hypothesis[i - 1], Cells(&table_, i - 1), Cells(&table_, i));
  }
  const size_t last = rows_.size() - 1;
  return Cells(&table_, last)[static_cast<int64_t>(reference_.size()) - FirstColumn(last)];
}

int32_t EditDistance::OfChanged(std::span<const uint32_t> hypothesis, size_t begin, size_t end) {
  const size_t last = rows_.size() - 1;
  const int64_t result = static_cast<int64_t>(reference_.size()) - FirstColumn(last);
  for (size_t i = begin + 1; i <= last; ++i) {
    const int32_t* above = i == begin + 1 ? Cells(&table_, begin) : Cells(&changed_, i - 1);
    int32_t* row = Cells(&changed_, i);
    ComputeRow(i, hypothesis[i - 1], above, row);
    // All remaining rows are unchanged too.
    if (i >= end && std::equal(row, row + stride_, Cells(&table_, i))) {
      return Cells(&table_, last)[result];
    }
  }
  return Cells(begin < last ? &changed_ : &table_, last)[result];
}

// Among equally good edits, prefers replacing to deleting to inserting.
void EditDistance::Trace(std::vector<Edit>* edits) const {
  edits->clear();
  size_t i = rows_.size() - 1;
  size_t j = reference_.size();
  while (i > 0 && j > 0) {
    const int32_t* row = table_.data() + i * stride_;
    const int32_t* above = row - stride_;
    const auto column = static_cast<int64_t>(j);
    const int32_t here = row[column - FirstColumn(i)];
    const bool equal = reference_[j - 1] == hypothesis_[i - 1];
    if (here == above[column - 1 - FirstColumn(i - 1)] + (equal ? 0 : 1)) {
      edits->push_back(equal ? kKeep : kReplace);
      --i;
      --j;
    } else if (here == above[column - FirstColumn(i - 1)] + 1) {
      edits->push_back(kDelete);
      --i;
    } else {
      edits->push_back(kInsert);
      --j;
    }
  }
  edits->insert(edits->end(), i, kDelete);
  edits->insert(edits->end(), j, kInsert);
  std::reverse(edits->begin(), edits->end());
}

}  // namespace wavemt
