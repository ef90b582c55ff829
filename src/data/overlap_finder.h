#pragma once

#include <atomic>
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

/// A corpus of whose sources the first `num_tags` tokens do not count.
struct TaggedCorpus {
  const TokenizedCorpus& corpus;
  int64_t num_tags = 0;
};

/// Finds sentences that training text and held-out text share, by their token ids. A model knows
/// such sentences by heart, so that scores on them say little.
class OverlapFinder {
 public:
  void AddHeldOut(const std::string& name, const TaggedCorpus& text);
  bool has_held_out() const { return !pairs_.empty(); }

  /// Looks through a part of the training text on `num_threads` threads, after the last
  /// AddHeldOut().
  void Look(const TaggedCorpus& text, int num_threads);

  /// Of each held-out text, in the order of AddHeldOut().
  std::vector<Overlap> Overlaps() const;

 private:
  struct Fingerprints {
    uint64_t source = 0;
    uint64_t target = 0;
    uint64_t pair = 0;
  };
  struct HeldOutPair {
    size_t text = 0;  // Index in texts_.
    Fingerprints fingerprints;
  };
  // Whether the training text has it, by fingerprint.
  using Found = std::unordered_map<uint64_t, std::atomic<bool>>;

  static Fingerprints FingerprintsOfPair(const TaggedCorpus& text, int64_t pair);
  void LookAt(const Fingerprints& fingerprints);

  std::vector<Overlap> texts_;  // Names and sizes.
  std::vector<HeldOutPair> pairs_;
  Found sources_;
  Found targets_;
  Found both_;
};

}  // namespace wavemt
