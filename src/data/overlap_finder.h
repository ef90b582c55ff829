#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/tokenized_corpus.h"

namespace wavemt {

/// How much of a held-out text is in a training text.
struct Overlap {
  std::string name;     // Of the held-out text.
  int64_t pairs = 0;    // How many it has,
  int64_t both = 0;     // and how many of these are in the training text with both sides,
  int64_t sources = 0;  // or at least with their source,
  int64_t targets = 0;  // or their target.
};

/// Finds sentences that training text and held-out text share, by their token ids. A model knows
/// such sentences by heart, so that scores on them say little.
class OverlapFinder {
 public:
  /// Whose first `num_tags` source tokens of each pair do not count.
  struct TaggedCorpus {
    const TokenizedCorpus& corpus;
    int64_t num_tags = 0;
  };

  void AddHeldOut(const std::string& name, const TaggedCorpus& text);
  /// Looks through a part of the training text, after the last AddHeldOut().
  void Look(const TaggedCorpus& text);

  /// Of each held-out text, in the order of AddHeldOut().
  std::vector<Overlap> Overlaps() const;

 private:
  struct HeldOutPair {
    size_t text = 0;      // Index in texts_.
    uint64_t source = 0;  // Fingerprints.
    uint64_t target = 0;
    bool has_source = false;
    bool has_target = false;
    bool has_both = false;
  };

  std::vector<Overlap> texts_;  // Names and sizes.
  std::vector<HeldOutPair> pairs_;
  std::unordered_multimap<uint64_t, size_t> by_source_;  // Indices in pairs_.
  std::unordered_multimap<uint64_t, size_t> by_target_;
};

}  // namespace wavemt
