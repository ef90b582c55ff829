#include "data/corpus_mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "support/error.h"
#include "support/progress.h"
#include "support/random.h"

namespace wavemt {
namespace {

// How many pairs of each part a pass takes.
std::vector<int64_t> PairsPerEpoch(const std::vector<CorpusMixture::Part>& parts,
                                   double temperature) {
  std::vector<int64_t> sizes;
  std::vector<double> shares;
  for (const CorpusMixture::Part& part : parts) {
    sizes.push_back(part.corpus->size());
    // The mixture as it is: nothing that rounding could change.
    if (part.weight == 0 && temperature == 1) continue;
    shares.push_back(part.weight > 0
                         ? part.weight
                         : std::pow(static_cast<double>(sizes.back()), 1.0 / temperature));
  }
  if (shares.empty()) return sizes;
  const double largest = std::ranges::max(shares);
  for (double& share : shares) share /= largest;  // So that their sum is finite.
  const double all_shares = std::accumulate(shares.begin(), shares.end(), 0.0);
  const auto all_pairs =
      static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}));
  std::vector<int64_t> counts;
  counts.reserve(shares.size());
  for (const double share : shares) {
    counts.push_back(
        std::max<int64_t>(static_cast<int64_t>(std::llround(all_pairs * share / all_shares)), 1));
  }
  return counts;
}

double MeanWeight(const TokenizedCorpus& corpus) {
  if (!corpus.has_weights()) return 1.0;
  double sum = 0;
  for (int64_t pair = 0; pair < corpus.size(); ++pair) sum += corpus.weight(pair);
  return sum / static_cast<double>(corpus.size());
}

// Appends the next `count` pairs of a corpus of `size` pairs that is gone through again and again,
// after `taken` pairs were taken. `order(n)` is the order of its n-th time through.
template <typename Order>
void AppendPairs(int64_t size, int64_t taken, int64_t count, int64_t offset, const Order& order,
                 std::vector<uint32_t>* pairs) {
  while (count > 0) {
    const int64_t begin = taken % size;
    const int64_t end = std::min(size, begin + count);
    if (end - begin == size) {  // All of them: their order does not matter.
      for (int64_t pair = 0; pair < size; ++pair) {
        pairs->push_back(static_cast<uint32_t>(offset + pair));
      }
    } else {
      const std::vector<uint32_t> permutation = order(taken / size);
      for (int64_t i = begin; i < end; ++i) {
        pairs->push_back(static_cast<uint32_t>(offset) + permutation[static_cast<size_t>(i)]);
      }
    }
    taken += end - begin;
    count -= end - begin;
  }
}

}  // namespace

CorpusMixture::CorpusMixture(std::vector<Part> parts, double temperature)
    : parts_(std::move(parts)) {
  Crc32 checksum;
  for (const Part& part : parts_) {
    ends_.push_back(part.corpus->size() + (ends_.empty() ? 0 : ends_.back()));
    has_weights_ = has_weights_ || part.corpus->has_weights();
    mean_weights_.push_back(MeanWeight(*part.corpus));
  }
  if (size() > std::numeric_limits<uint32_t>::max()) {
    throw UsageError("data.train: {} pairs are too many: a run can have {}", WithThousands(size()),
                     WithThousands(std::numeric_limits<uint32_t>::max()));
  }
  per_epoch_ = PairsPerEpoch(parts_, temperature);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const uint32_t part = parts_[i].corpus->checksum();
    checksum.Add(&part, sizeof(part));
    checksum.Add(&per_epoch_[i], sizeof(per_epoch_[i]));
  }
  // A single corpus is the same text with or without a name.
  checksum_ = parts_.size() == 1 ? parts_.front().corpus->checksum() : checksum.value();
}

CorpusMixture::Place CorpusMixture::Find(int64_t pair) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), pair);
  const auto part = static_cast<size_t>(end - ends_.begin());
  return {.part = part, .pair = pair - Begin(part)};
}

std::vector<uint32_t> CorpusMixture::PairsOfEpoch(int64_t epoch, uint64_t seed) const {
  std::vector<uint32_t> pairs;
  pairs.reserve(
      static_cast<size_t>(std::accumulate(per_epoch_.begin(), per_epoch_.end(), int64_t{0})));
  for (size_t i = 0; i < parts_.size(); ++i) {
    const int64_t size = parts_[i].corpus->size();
    const auto order = [&](int64_t time) {
      std::vector<uint32_t> permutation(static_cast<size_t>(size));
      std::iota(permutation.begin(), permutation.end(), 0U);
      Shuffle(std::span(permutation), DeriveSeed(seed, RandomStream::kCorpusOrder, i, time));
      return permutation;
    };
    AppendPairs(size, epoch * per_epoch_[i], per_epoch_[i], Begin(i), order, &pairs);
  }
  return pairs;
}

PairLengths CorpusMixture::lengths(int64_t pair) const {
  const Place place = Find(pair);
  return parts_[place.part].corpus->lengths(place.pair);
}

std::vector<int32_t> CorpusMixture::source(int64_t pair) const {
  const Place place = Find(pair);
  return parts_[place.part].corpus->source(place.pair);
}

std::vector<int32_t> CorpusMixture::target(int64_t pair) const {
  const Place place = Find(pair);
  return parts_[place.part].corpus->target(place.pair);
}

float CorpusMixture::weight(int64_t pair) const {
  const Place place = Find(pair);
  return static_cast<float>(static_cast<double>(parts_[place.part].corpus->weight(place.pair)) /
                            mean_weights_[place.part]);
}

bool CorpusMixture::has_text() const {
  return std::ranges::all_of(parts_, [](const Part& part) { return part.corpus->has_text(); });
}

PairText CorpusMixture::text(int64_t pair) const {
  const Place place = Find(pair);
  PairText text = parts_[place.part].corpus->text(place.pair);
  text.num_tags = parts_[place.part].num_tags;
  return text;
}

std::string CorpusMixture::Summary() const {
  const int64_t all = std::accumulate(per_epoch_.begin(), per_epoch_.end(), int64_t{0});
  std::string text = fmt::format("an epoch takes {} pairs", WithThousands(all));
  for (size_t i = 0; i < parts_.size(); ++i) {
    const double times =
        static_cast<double>(per_epoch_[i]) / static_cast<double>(parts_[i].corpus->size());
    text += fmt::format("{} {} of {} ({:.2f} of it)", i == 0 ? ":" : ",",
                        WithThousands(per_epoch_[i]), parts_[i].name, times);
  }
  return text;
}

}  // namespace wavemt
