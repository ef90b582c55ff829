#include "data/batcher.h"

#include <algorithm>
#include <future>
#include <numeric>
#include <utility>

#include "data/batch_cutter.h"
#include "support/error.h"
#include "support/random.h"

namespace wavemt {
namespace {

// The next pass is planned when 1/kPlanAhead of the current one is left. Sampling takes longer, and
// begins at once.
constexpr int64_t kPlanAhead = 8;

}  // namespace

std::span<const uint32_t> BatchPlan::pairs(int64_t batch) const {
  const size_t index = sequence_[static_cast<size_t>(batch)];
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::span(order_).subspan(begin, ends_[index] - begin);
}

BatchPlan PlanBatches(const TokenizedCorpus& corpus, int64_t batch_tokens, uint64_t seed) {
  return PlanBatches(corpus, corpus.PairsOfEpoch(0, seed), batch_tokens, seed);
}

BatchPlan PlanBatches(const TokenizedCorpus& corpus, std::vector<uint32_t> pairs,
                      int64_t batch_tokens, uint64_t seed) {
  std::vector<PairRow> rows;
  rows.reserve(pairs.size());
  for (const uint32_t pair : pairs) {
    const PairLengths lengths = corpus.lengths(pair);
    rows.push_back({.source = static_cast<uint32_t>(lengths.source + 1),
                    .target = static_cast<uint32_t>(lengths.target + 1),
                    .pair = pair});
  }
  pairs = {};  // Its memory is needed below.
  Shuffle(std::span(rows), DeriveSeed(seed, RandomStream::kPairOrder));

  BatchPlan plan;
  plan.ends_ = BatchCutter(batch_tokens, DeriveSeed(seed, RandomStream::kBatchCuts)).Cut(rows);
  plan.order_.reserve(rows.size());
  for (const PairRow& row : rows) plan.order_.push_back(row.pair);
  plan.sequence_.resize(plan.ends_.size());
  std::iota(plan.sequence_.begin(), plan.sequence_.end(), 0U);
  Shuffle(std::span(plan.sequence_), DeriveSeed(seed, RandomStream::kBatchOrder));
  return plan;
}

double PaddingShare(const TokenizedCorpus& corpus, const BatchPlan& plan) {
  int64_t tokens = 0;
  int64_t padded_tokens = 0;
  for (int64_t batch = 0; batch < plan.size(); ++batch) {
    PairLengths longest;
    const auto pairs = plan.pairs(batch);
    for (const uint32_t pair : pairs) {
      const PairLengths lengths = corpus.lengths(pair);
      longest.source = std::max(longest.source, lengths.source + 1);
      longest.target = std::max(longest.target, lengths.target + 1);
      tokens += lengths.source + lengths.target + 2;
    }
    padded_tokens += static_cast<int64_t>(pairs.size()) * (longest.source + longest.target);
  }
  if (padded_tokens == 0) return 0.0;
  return 1.0 - static_cast<double>(tokens) / static_cast<double>(padded_tokens);
}

double FillShare(const TokenizedCorpus& corpus, const BatchPlan& plan, int64_t batch_tokens) {
  double filled = 0;
  for (int64_t batch = 0; batch < plan.size(); ++batch) {
    int64_t tokens = 0;
    for (const uint32_t pair : plan.pairs(batch)) tokens += corpus.lengths(pair).target + 1;
    filled += std::min(static_cast<double>(tokens) / static_cast<double>(batch_tokens), 1.0);
  }
  return plan.size() == 0 ? 0.0 : filled / static_cast<double>(plan.size());
}

Batcher::Batcher(const TokenizedCorpus& corpus, const Options& options)
    : corpus_(corpus), options_(options) {}

Batcher::Pass Batcher::Prepare(int64_t epoch, SubwordSampler::Pace pace) const {
  const uint64_t seed = DeriveSeed(options_.seed, {static_cast<uint64_t>(epoch)});
  std::vector<uint32_t> pairs = corpus_.PairsOfEpoch(epoch, options_.seed);
  Pass pass;
  if (!options_.sampler) {
    pass.plan = PlanBatches(corpus_, std::move(pairs), options_.batch_tokens, seed);
    return pass;
  }
  pass.sampled = options_.sampler->Sample(corpus_, pairs, seed, pace, stop_.get_token());
  if (stop_.stop_requested()) return pass;  // Which nobody will use.
  std::iota(pairs.begin(), pairs.end(), 0U);
  pass.plan = PlanBatches(*pass.sampled, std::move(pairs), options_.batch_tokens, seed);
  return pass;
}

const Batcher::Pass& Batcher::ThisPass() const {
  if (!pass_) pass_ = Prepare(position_.epoch, SubwordSampler::Pace::kNow);
  return *pass_;
}

const TokenizedCorpus& Batcher::Text() const {
  const Pass& pass = ThisPass();
  return pass.sampled ? *pass.sampled : corpus_;
}

Batch Batcher::Next() {
  Batch batch = MakeBatch(Text(), plan().pairs(position_.batch), options_.source_special,
                          options_.target_special);
  Advance();
  return batch;
}

int64_t Batcher::Skip() {
  int64_t target_tokens = 0;
  for (const uint32_t pair : plan().pairs(position_.batch)) {
    target_tokens += Text().lengths(pair).target + 1;
  }
  Advance();
  return target_tokens;
}

void Batcher::Advance() {
  ++position_.batch;
  const int64_t left = plan().size() - position_.batch;
  if (left == 0) {
    position_ = {.epoch = position_.epoch + 1, .batch = 0};
    pass_.reset();  // Its memory is free before another pass is prepared.
    if (next_pass_.valid()) pass_ = next_pass_.get();
  } else if (!next_pass_.valid() && (options_.sampler || left <= plan().size() / kPlanAhead)) {
    next_pass_ = std::async(std::launch::async, &Batcher::Prepare, this, position_.epoch + 1,
                            SubwordSampler::Pace::kInBackground);
  }
}

void Batcher::Seek(const DataPosition& position) {
  if (position.epoch != position_.epoch) {
    next_pass_ = {};
    pass_.reset();
  }
  position_ = position;
  if (position.batch < 0 || position.batch >= plan().size()) {
    throw UsageError(
        "the data position, batch {} of epoch {}, is not in this corpus, which has {} "
        "batches an epoch: it is not the corpus of the checkpoint",
        position.batch, position.epoch, plan().size());
  }
}

}  // namespace wavemt
