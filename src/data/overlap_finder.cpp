#include "data/overlap_finder.h"

#include <algorithm>
#include <array>
#include <future>
#include <span>
#include <string_view>

#include "data/cleaning/fingerprint.h"
#include "support/progress.h"

namespace wavemt {
namespace {

// Enough pairs for the cost of starting a thread to be negligible.
constexpr int64_t kPairsAtOnce = 100'000;

template <typename T>
uint64_t FingerprintOfNumbers(std::span<const T> numbers) {
  return Fingerprint(
      std::string_view(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()));
}

}  // namespace

OverlapFinder::Fingerprints OverlapFinder::FingerprintsOfPair(const TaggedCorpus& text,
                                                              int64_t pair) {
  const std::vector<int32_t> source = text.corpus.source(pair);
  const std::vector<int32_t> target = text.corpus.target(pair);
  const size_t tags = std::min(static_cast<size_t>(text.num_tags), source.size());
  const std::array<uint64_t, 2> sides = {FingerprintOfNumbers(std::span(source).subspan(tags)),
                                         FingerprintOfNumbers(std::span<const int32_t>(target))};
  return {.source = sides[0],
          .target = sides[1],
          .pair = FingerprintOfNumbers(std::span<const uint64_t>(sides))};
}

void OverlapFinder::AddHeldOut(const std::string& name, const TaggedCorpus& text) {
  for (int64_t pair = 0; pair < text.corpus.size(); ++pair) {
    const Fingerprints fingerprints = FingerprintsOfPair(text, pair);
    sources_[fingerprints.source] = false;
    targets_[fingerprints.target] = false;
    both_[fingerprints.pair] = false;
    pairs_.push_back({.text = texts_.size(), .fingerprints = fingerprints});
  }
  texts_.push_back({.name = name, .pairs = text.corpus.size()});
}

void OverlapFinder::LookAt(const Fingerprints& fingerprints) {
  const auto look = [](Found& found, uint64_t fingerprint) {
    const auto place = found.find(fingerprint);
    if (place != found.end()) place->second.store(true, std::memory_order_relaxed);
  };
  look(sources_, fingerprints.source);
  look(targets_, fingerprints.target);
  look(both_, fingerprints.pair);
}

void OverlapFinder::Look(const TaggedCorpus& text, int num_threads) {
  const int64_t size = text.corpus.size();
  ProgressBar progress("comparing with held-out text", size);
  std::atomic<int64_t> next = 0;
  const auto work = [&](ProgressBar* shown) {
    for (int64_t begin = 0; (begin = next.fetch_add(kPairsAtOnce)) < size;) {
      const int64_t end = std::min(begin + kPairsAtOnce, size);
      for (int64_t pair = begin; pair < end; ++pair) LookAt(FingerprintsOfPair(text, pair));
      if (shown != nullptr) shown->Update(end, "pairs");
    }
  };
  std::vector<std::future<void>> others;
  for (int i = 1; i < num_threads; ++i) {
    others.push_back(std::async(std::launch::async, work, nullptr));
  }
  work(&progress);
  for (auto& other : others) other.get();
}

std::vector<Overlap> OverlapFinder::Overlaps() const {
  std::vector<Overlap> overlaps = texts_;
  for (const auto& [text, fingerprints] : pairs_) {
    Overlap& overlap = overlaps[text];
    if (sources_.at(fingerprints.source)) ++overlap.sources;
    if (targets_.at(fingerprints.target)) ++overlap.targets;
    if (both_.at(fingerprints.pair)) ++overlap.both;
  }
  return overlaps;
}

}  // namespace wavemt
