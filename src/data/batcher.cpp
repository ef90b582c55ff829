#include "data/batcher.h"

#include <algorithm>
#include <numeric>

#include "support/error.h"
#include "support/random.h"

namespace wavemt {
namespace {

// Which of the two shuffles of an epoch a seed is for.
enum SeedUse : uint64_t { kPairOrder = 1, kBatchOrder = 2 };

}  // namespace

std::span<const uint32_t> BatchPlan::pairs(int64_t batch) const {
  const size_t index = sequence_[static_cast<size_t>(batch)];
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::span(order_).subspan(begin, ends_[index] - begin);
}

BatchPlan PlanBatches(const TokenizedCorpus& corpus, int64_t batch_tokens, uint64_t seed) {
  BatchPlan plan;
  plan.order_.resize(static_cast<size_t>(corpus.size()));
  std::iota(plan.order_.begin(), plan.order_.end(), 0U);
  Shuffle(std::span(plan.order_), DeriveSeed(seed, {kPairOrder}));

  const auto source_length = [&](uint32_t pair) { return corpus.source(pair).size() + 1; };
  const auto target_length = [&](uint32_t pair) { return corpus.target(pair).size() + 1; };
  // By target length, then by source length, upwards and downwards in turn: the source length then
  // hardly jumps where the target length changes, and a batch across that edge stays dense.
  std::stable_sort(plan.order_.begin(), plan.order_.end(), [&](uint32_t a, uint32_t b) {
    const size_t target_a = target_length(a);
    const size_t target_b = target_length(b);
    if (target_a != target_b) return target_a < target_b;
    return target_a % 2 == 0 ? source_length(a) < source_length(b)
                             : source_length(a) > source_length(b);
  });

  const auto most_target = static_cast<size_t>(batch_tokens);
  const size_t most_source = 2 * most_target;
  size_t rows = 0;
  size_t longest_source = 0;
  size_t longest_target = 0;
  for (size_t i = 0; i < plan.order_.size(); ++i) {
    const uint32_t pair = plan.order_[i];
    const size_t new_source = std::max(longest_source, source_length(pair));
    const size_t new_target = std::max(longest_target, target_length(pair));
    const bool fits =
        (rows + 1) * new_target <= most_target && (rows + 1) * new_source <= most_source;
    if (rows > 0 && !fits) {
      plan.ends_.push_back(i);
      rows = 0;
    }
    longest_source = rows == 0 ? source_length(pair) : new_source;
    longest_target = rows == 0 ? target_length(pair) : new_target;
    ++rows;
  }
  if (rows > 0) plan.ends_.push_back(plan.order_.size());

  plan.sequence_.resize(plan.ends_.size());
  std::iota(plan.sequence_.begin(), plan.sequence_.end(), 0U);
  Shuffle(std::span(plan.sequence_), DeriveSeed(seed, {kBatchOrder}));
  return plan;
}

double PaddingShare(const TokenizedCorpus& corpus, const BatchPlan& plan) {
  size_t tokens = 0;
  size_t places = 0;
  for (int64_t batch = 0; batch < plan.size(); ++batch) {
    size_t longest_source = 0;
    size_t longest_target = 0;
    for (const uint32_t pair : plan.pairs(batch)) {
      const size_t source = corpus.source(pair).size() + 1;
      const size_t target = corpus.target(pair).size() + 1;
      longest_source = std::max(longest_source, source);
      longest_target = std::max(longest_target, target);
      tokens += source + target;
    }
    places += plan.pairs(batch).size() * (longest_source + longest_target);
  }
  return places == 0 ? 0.0 : 1.0 - static_cast<double>(tokens) / static_cast<double>(places);
}

Batcher::Batcher(const TokenizedCorpus& corpus, const Options& options)
    : corpus_(corpus), options_(options) {
  PlanEpoch();
}

void Batcher::PlanEpoch() {
  plan_ = PlanBatches(corpus_, options_.batch_tokens,
                      DeriveSeed(options_.seed, {static_cast<uint64_t>(position_.epoch)}));
}

Batch Batcher::Next() {
  const Batch batch = MakeBatch(corpus_, plan_.pairs(position_.batch), options_.source_special,
                                options_.target_special);
  ++position_.batch;
  if (position_.batch == plan_.size()) {
    position_ = {.epoch = position_.epoch + 1, .batch = 0};
    PlanEpoch();
  }
  return batch;
}

void Batcher::Seek(const DataPosition& position) {
  const bool same_epoch = position.epoch == position_.epoch;
  position_ = position;
  if (!same_epoch) PlanEpoch();
  if (position.batch < 0 || position.batch >= plan_.size()) {
    throw UsageError("the data position, batch {} of epoch {}, is not in this corpus, which has {} "
                     "batches an epoch: it is not the corpus of the checkpoint",
                     position.batch, position.epoch, plan_.size());
  }
}

}  // namespace wavemt
