#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "data/batch.h"
#include "data/subword_sampler.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// The assignment of pairs to batches for one pass over a corpus.
class BatchPlan {
 public:
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::span<const uint32_t> pairs(int64_t batch) const;

 private:
  friend BatchPlan PlanBatches(const TokenizedCorpus&, std::vector<uint32_t>, int64_t, uint64_t);
  std::vector<uint32_t> order_;     // Pair numbers, grouped by batch.
  std::vector<uint64_t> ends_;      // The end of each group in order_.
  std::vector<uint32_t> sequence_;  // The i-th batch of the pass is this group.
};

/// Groups `pairs` of a corpus, those of similar lengths together, into full batches: a pair more
/// would exceed `batch_tokens` target tokens (including padding) or twice as many source tokens.
/// The last two batches share what remains. A pair that exceeds the budget on its own is a batch of
/// its own.
///
/// `seed` determines which pairs share a batch, and so the number of batches, and their order; it
/// is all that differs between passes. The same seed gives the same plan on every machine.
///
/// REQUIRES: batch_tokens >= 1.
BatchPlan PlanBatches(const TokenizedCorpus& corpus, std::vector<uint32_t> pairs,
                      int64_t batch_tokens, uint64_t seed);
/// Of the corpus's first epoch.
BatchPlan PlanBatches(const TokenizedCorpus& corpus, int64_t batch_tokens, uint64_t seed);

/// The share of padding in all batches, both sides together.
double PaddingShare(const TokenizedCorpus& corpus, const BatchPlan& plan);

/// How full the batches are on average: the target tokens of a batch, including </s> but without
/// padding, divided by `batch_tokens`. The loss of an update is a mean over these tokens, so each
/// token of a half-full batch has twice the weight. A pair that exceeds the budget counts as full.
double FillShare(const TokenizedCorpus& corpus, const BatchPlan& plan, int64_t batch_tokens);

/// Training's position in the data: all that must be saved to continue from there.
struct DataPosition {
  int64_t epoch = 0;  // Completed passes; TokenizedCorpus::PairsOfEpoch() says what is in one.
  int64_t batch = 0;  // Completed batches of the current pass.

  bool operator==(const DataPosition&) const = default;
};

/// An endless sequence of batches that orders each pass over the corpus anew, and with a sampler
/// segments its text anew. Another thread prepares the next pass while the current one goes on.
class Batcher {
 public:
  struct Options {
    int64_t batch_tokens = 0;
    uint64_t seed = 0;
    SpecialTokens source_special;
    SpecialTokens target_special;
    /// Null: the corpus's ids are used as they are. Otherwise the ids of a pass, and those of the
    /// next one, are held in memory.
    std::shared_ptr<const SubwordSampler> sampler{};
  };

  /// REQUIRES: `corpus` holds at least one pair and outlives the batcher.
  Batcher(const TokenizedCorpus& corpus, const Options& options);
  ~Batcher() { stop_.request_stop(); }  // And then waits for next_pass_.
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Returns the next batch and advances the position.
  Batch Next();
  /// Passes over the next batch without making it; returns its target_tokens.
  int64_t Skip();

  const DataPosition& position() const { return position_; }
  /// Goes to a position that position() returned for the same corpus and options. Throws a usage
  /// error if the corpus has no such batch.
  void Seek(const DataPosition& position);

  /// In the current epoch. Other epochs may have a few more or fewer.
  int64_t batches_per_epoch() const { return plan().size(); }
  const BatchPlan& plan() const { return ThisPass().plan; }

 private:
  // One time through the corpus.
  struct Pass {
    std::optional<MemoryCorpus> sampled;
    BatchPlan plan;
  };
  Pass Prepare(int64_t epoch, SubwordSampler::Pace pace) const;
  // That of the position. Prepared when it is first needed, which may be after a Seek().
  const Pass& ThisPass() const;
  // What its plan divides.
  const TokenizedCorpus& Text() const;
  void Advance();

  const TokenizedCorpus& corpus_;
  Options options_;
  DataPosition position_;
  std::stop_source stop_;  // Of what makes next_pass_.
  mutable std::optional<Pass> pass_;
  std::future<Pass> next_pass_;  // Once it is begun. Uses the members above.
};

}  // namespace wavemt
