#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wavemt {

/// The n-grams of one segment's references, for counting the matching n-grams of a hypothesis.
/// Words and characters are represented by numbers. The n-grams form a tree in which the parent of
/// an n-gram is its first n - 1 symbols, so an n-gram whose beginning is unknown is never looked
/// up.
class ReferenceNgrams {
 public:
  /// N-grams of 1 to `max_order` symbols.
  explicit ReferenceNgrams(size_t max_order);

  void Clear();

  /// Adds a reference. An n-gram's count is its maximum count in any one reference (Papineni et al.
  /// 2002).
  void Add(std::span<const uint32_t> reference);

  /// Adds to matches[n - 1] the number of n-grams of `hypothesis` that match, each counted at most
  /// as often as in the references. This consumes the references: call Clear() afterwards.
  void TakeMatches(std::span<const uint32_t> hypothesis, std::span<int64_t> matches);

 private:
  struct Ngram {
    uint64_t key = 0;     // The n-gram without its last symbol, and that symbol.
    uint32_t number = 0;  // From 1; 0 is the empty n-gram.
    uint32_t added = 0;   // The last Add() that saw it; if before first_added_, the slot is free.
    uint32_t recent = 0;  // How often that Add() saw it.
    uint32_t count = 0;   // The maximum over all calls.
  };
  bool IsFree(const Ngram& ngram) const { return ngram.added < first_added_; }
  Ngram& Find(uint32_t beginning, uint32_t symbol);
  Ngram& FindOrInsert(uint32_t beginning, uint32_t symbol);
  void Resize(size_t size);

  size_t max_order_;
  std::vector<Ngram> table_;  // A hash table whose size is a power of two.
  int shift_ = 0;             // 64 minus the binary logarithm of that size.
  uint32_t num_ngrams_ = 0;
  uint32_t added_ = 0;        // Calls of Add() so far.
  uint32_t first_added_ = 1;  // The first call since Clear().
};

/// The number of n-grams of length `order` in a sequence of `length` symbols.
constexpr int64_t NumNgrams(size_t length, size_t order) {
  return length < order ? 0 : static_cast<int64_t>(length - order + 1);
}

}  // namespace wavemt
