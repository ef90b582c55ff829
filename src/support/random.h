#pragma once

#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <random>
#include <span>
#include <utility>

namespace wavemt {

/// A seed for one use of randomness, derived from the run's seed and the numbers that identify the
/// use (for example {stream, step}). Adjacent numbers give unrelated seeds. No generator state has
/// to be saved, so a resumed run draws exactly what an uninterrupted one would. Mixing function:
/// SplitMix64 (Steele, Lea and Flood 2014).
inline uint64_t DeriveSeed(uint64_t seed, std::initializer_list<uint64_t> use) {
  const auto mix = [](uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
  };
  uint64_t result = mix(seed);
  // Not symmetric: seed 1 with number 2 must differ from seed 2 with number 1.
  for (const uint64_t number : use) result = mix(result + number);
  return result;
}

/// What random numbers are used for: all streams that are derived from the run's seed, in one list,
/// so that no two uses share one. The values determine the numbers that a seed gives and must never
/// change.
enum class RandomStream : uint64_t {
  kPairOrder = 1,    // Of the pairs within an epoch; derived from the epoch's own seed.
  kBatchOrder = 2,   // Likewise, of the batches.
  kBatchCuts = 3,    // Likewise, of the boundaries between batches.
  kCorpusOrder = 4,  // Of the pairs of one corpus of several; derived from that of kData.
  kSubwords = 5,     // Segmentations of an epoch; derived from the epoch's own seed.
  kData = 101,
  kDropout = 102,
  kInitialWeights = 103,
  kTokenizerSample = 104,
  kDrawnTokens = 105,  // Of translations, derived from decoding.seed.
};

/// The seed of `stream`, or of one of its items: DeriveSeed(seed, RandomStream::kDropout, step).
template <typename... Indices>
uint64_t DeriveSeed(uint64_t seed, RandomStream stream, Indices... indices) {
  return DeriveSeed(seed, {static_cast<uint64_t>(stream), static_cast<uint64_t>(indices)...});
}

/// Fisher-Yates shuffle with std::mt19937_64. Unlike std::shuffle(), it gives the same order with
/// every standard library.
template <typename T>
void Shuffle(std::span<T> items, uint64_t seed) {
  std::mt19937_64 generator(seed);
  for (size_t i = items.size(); i > 1; --i) {
    // The bias of the modulo is below 2^-32 for fewer than 2^32 items.
    std::swap(items[i - 1], items[generator() % i]);
  }
}

}  // namespace wavemt
