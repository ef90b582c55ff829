#include "data/cleaning/held_out_text.h"

#include <utility>

#include "data/cleaning/pair_checker.h"

namespace wavemt {

HeldOutText::HeldOutText(std::string name, const ParallelFiles& files) : name_(std::move(name)) {
  ParallelReader reader(files, InvalidUtf8::kReplace);
  for (SentencePair pair; reader.Next(&pair); ++pairs_) {
    const PairFingerprints fingerprints = FingerprintsOf(pair);
    if (!ShowsNothing(pair.source)) sources_.Insert(fingerprints.source);
    if (!ShowsNothing(pair.target)) targets_.Insert(fingerprints.target);
  }
}

}  // namespace wavemt
