#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wavemt {

/// The n-grams of one segment's references, for counting which n-grams of a hypothesis they hold.
/// Words and characters are numbers here. A tree: each n-gram is the child of its first n - 1
/// symbols, so that an n-gram whose beginning is unknown is never looked for.
class ReferenceNgrams {
 public:
  /// N-grams of 1 to `max_order` symbols.
  explicit ReferenceNgrams(size_t max_order);

  void Clear();

  /// Where there are several references, an n-gram counts as often as it stands in the one that has
  /// it most often (Papineni et al. 2002).
  void Add(std::span<const uint32_t> reference);

  /// Adds to matches[n - 1] the number of n-grams of `hypothesis` that the references hold, each
  /// n-gram at most as often as it counts there. Uses the references up: Clear() comes next.
  void TakeMatches(std::span<const uint32_t> hypothesis, std::span<int64_t> matches);

 private:
  struct Ngram {
    uint64_t key = 0;     // The n-gram without its last symbol, and that symbol.
    uint32_t number = 0;  // From 1; 0 is the empty n-gram.
    uint32_t added = 0;   // The Add() that met it last; before first_added_, the place is free.
    uint32_t recent = 0;  // How often that one met it.
    uint32_t count = 0;   // The most of any.
  };
  bool IsFree(const Ngram& ngram) const { return ngram.added < first_added_; }
  Ngram& Find(uint32_t beginning, uint32_t symbol);
  Ngram& FindOrInsert(uint32_t beginning, uint32_t symbol);
  void Resize(size_t size);

  size_t max_order_;
  std::vector<Ngram> table_;  // Hashed; its size is a power of two.
  int shift_ = 0;             // 64 minus the logarithm of that size.
  uint32_t num_ngrams_ = 0;
  uint32_t added_ = 0;        // Calls of Add() so far.
  uint32_t first_added_ = 1;  // The first of them since Clear().
};

/// The number of n-grams of `length` symbols.
constexpr int64_t NumNgrams(size_t length, size_t order) {
  return length < order ? 0 : static_cast<int64_t>(length - order + 1);
}

}  // namespace wavemt
