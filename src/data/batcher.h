#pragma once

#include <cstdint>
#include <future>
#include <span>
#include <vector>

#include "data/batch.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// How the pairs of one pass over a corpus fall into batches.
class BatchPlan {
 public:
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::span<const uint32_t> pairs(int64_t batch) const;

 private:
  friend BatchPlan PlanBatches(const TokenizedCorpus&, int64_t, uint64_t);
  std::vector<uint32_t> order_;     // Pair numbers, batch after batch.
  std::vector<uint64_t> ends_;      // Where batch i ends in order_.
  std::vector<uint32_t> sequence_;  // Batch that comes i-th.
};

/// Groups pairs of like lengths into full batches: pairs are added until the next one would not fit
/// `batch_tokens` target tokens (padding included) or twice as many source tokens. What is left at
/// the end is shared by two batches. A pair that is longer alone is a batch of its own.
///
/// `seed` decides which pairs share a batch, so how many batches there are, and in which order they
/// come; it is the only thing that differs between passes. The same seed gives the same plan on
/// every machine.
///
/// REQUIRES: batch_tokens >= 1.
BatchPlan PlanBatches(const TokenizedCorpus& corpus, int64_t batch_tokens, uint64_t seed);

/// Share of the places of all batches that hold padding, both sides together.
double PaddingShare(const TokenizedCorpus& corpus, const BatchPlan& plan);

/// How full the batches are on average: a batch's target tokens, without padding but with </s>,
/// over `batch_tokens`. The loss of an update is a mean over these tokens, so a token of a batch
/// that is half full weighs twice as much. A pair that is longer alone counts as full.
double FillShare(const TokenizedCorpus& corpus, const BatchPlan& plan, int64_t batch_tokens);

/// Where training stands in the data. Everything that has to be saved to go on from there.
struct DataPosition {
  int64_t epoch = 0;  // Whole passes over the corpus that lie behind.
  int64_t batch = 0;  // Batches of this pass that lie behind.

  bool operator==(const DataPosition&) const = default;
};

/// Gives batches without end, each pass over the corpus in a new order. The plan of the next pass
/// is made on another thread while this one ends.
class Batcher {
 public:
  struct Options {
    int64_t batch_tokens = 0;
    uint64_t seed = 0;
    SpecialTokens source_special;
    SpecialTokens target_special;
  };

  /// REQUIRES: `corpus` holds a pair at least and outlives the batcher.
  Batcher(const TokenizedCorpus& corpus, const Options& options);
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// The next batch; the position moves behind it.
  Batch Next();

  const DataPosition& position() const { return position_; }
  /// Goes to a position that position() gave, for the same corpus and options.
  void Seek(const DataPosition& position);

  /// Of this epoch. Another one may have a few more or fewer.
  int64_t batches_per_epoch() const { return plan_.size(); }
  const BatchPlan& plan() const { return plan_; }

 private:
  BatchPlan PlanEpoch(int64_t epoch) const;

  const TokenizedCorpus& corpus_;
  Options options_;
  DataPosition position_;
  BatchPlan plan_;
  std::future<BatchPlan> next_plan_;  // Of the next epoch, where it was begun. Reads what is above.
};

}  // namespace wavemt
