#include "data/overlap_finder.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "data/cleaning/fingerprint.h"
#include "support/progress.h"

namespace wavemt {
namespace {

uint64_t FingerprintOfIds(std::span<const int32_t> ids) {
  return Fingerprint(std::string_view(reinterpret_cast<const char*>(ids.data()), ids.size_bytes()));
}

struct IdFingerprints {
  uint64_t source = 0;
  uint64_t target = 0;
};

IdFingerprints FingerprintsOfPair(const OverlapFinder::TaggedCorpus& text, int64_t pair) {
  const std::vector<int32_t> source = text.corpus.source(pair);
  const size_t tags = std::min(static_cast<size_t>(text.num_tags), source.size());
  return {.source = FingerprintOfIds(std::span(source).subspan(tags)),
          .target = FingerprintOfIds(text.corpus.target(pair))};
}

}  // namespace

void OverlapFinder::AddHeldOut(const std::string& name, const TaggedCorpus& text) {
  for (int64_t pair = 0; pair < text.corpus.size(); ++pair) {
    const IdFingerprints prints = FingerprintsOfPair(text, pair);
    by_source_.emplace(prints.source, pairs_.size());
    by_target_.emplace(prints.target, pairs_.size());
    pairs_.push_back({.text = texts_.size(), .source = prints.source, .target = prints.target});
  }
  texts_.push_back({.name = name, .pairs = text.corpus.size()});
}

void OverlapFinder::Look(const TaggedCorpus& text) {
  ProgressBar progress("comparing with held-out text", text.corpus.size());
  for (int64_t pair = 0; pair < text.corpus.size(); ++pair) {
    const IdFingerprints prints = FingerprintsOfPair(text, pair);
    const auto [first, last] = by_source_.equal_range(prints.source);
    for (auto found = first; found != last; ++found) {
      HeldOutPair& held_out = pairs_[found->second];
      held_out.has_source = true;
      held_out.has_both = held_out.has_both || held_out.target == prints.target;
    }
    const auto [first_target, last_target] = by_target_.equal_range(prints.target);
    for (auto found = first_target; found != last_target; ++found) {
      pairs_[found->second].has_target = true;
    }
    progress.Update(pair, "pairs");
  }
}

std::vector<Overlap> OverlapFinder::Overlaps() const {
  std::vector<Overlap> overlaps = texts_;
  for (const HeldOutPair& pair : pairs_) {
    Overlap& overlap = overlaps[pair.text];
    if (pair.has_source) ++overlap.sources;
    if (pair.has_target) ++overlap.targets;
    if (pair.has_both) ++overlap.both;
  }
  return overlaps;
}

}  // namespace wavemt
