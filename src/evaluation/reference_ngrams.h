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
  /// n-gram at most as often as it counts there.
  void CountMatches(std::span<const uint32_t> hypothesis, std::span<int64_t> matches);

 private:
  struct Node {
    uint32_t count = 0;   // In the references.
    uint32_t recent = 0;  // In the reference that is being added, or in the hypothesis.
  };
  struct Edge {
    uint64_t key = 0;  // Parent node and symbol.
    uint32_t child = 0;
    uint32_t generation = 0;  // The edge exists if this is the table's generation.
  };
  size_t PlaceOf(uint64_t key) const;
  uint32_t ChildOrNew(uint32_t parent, uint32_t symbol);
  uint32_t ChildOrRoot(uint32_t parent, uint32_t symbol) const;
  void Grow();

  size_t max_order_;
  std::vector<Node> nodes_;  // The first is the root.
  std::vector<Edge> edges_;  // A hash table; its size is a power of two.
  int shift_;                // 64 minus the logarithm of that size.
  uint32_t generation_ = 1;
};

/// The number of n-grams of `length` symbols.
constexpr int64_t NumNgrams(size_t length, size_t order) {
  return length < order ? 0 : static_cast<int64_t>(length - order + 1);
}

}  // namespace wavemt
