#pragma once

#include <cstdint>
#include <string>

#include "data/cleaning/fingerprint.h"
#include "data/cleaning/fingerprint_set.h"
#include "data/corpus.h"

namespace wavemt {

/// A text that a corpus should not share sentences with, such as the one that a model is tested on.
class HeldOutText {
 public:
  /// Reads the text. Bytes that are not UTF-8 are replaced. Blank sides are left out: every blank
  /// line would be in it. `name` is for reports.
  HeldOutText(std::string name, const ParallelFiles& files);

  const std::string& name() const { return name_; }
  int64_t pairs() const { return pairs_; }
  bool HasSource(const PairFingerprints& pair) const { return sources_.Contains(pair.source); }
  bool HasTarget(const PairFingerprints& pair) const { return targets_.Contains(pair.target); }

 private:
  std::string name_;
  int64_t pairs_ = 0;
  FingerprintSet sources_;
  FingerprintSet targets_;
};

}  // namespace wavemt
