#include "data/subword_sampler.h"

#include <algorithm>
#include <vector>

#include "support/error.h"
#include "support/progress.h"
#include "support/random.h"
#include "support/work_in_order.h"

namespace wavemt {
namespace {

// Large enough to make the cost of starting a thread negligible.
constexpr size_t kPairsAtATime = 2000;

struct SampledPair {
  std::vector<int32_t> source;
  std::vector<int32_t> target;
  float weight = 1.0F;
};

// How many of `ids` are symbols that a tokenizer must not cut.
int64_t NumSymbols(const std::vector<int32_t>& ids, const Tokenizer& tokenizer) {
  if (!tokenizer.has_user_defined()) return 0;
  return std::ranges::count_if(
      ids, [&](int32_t id) { return tokenizer.IsUserDefined(tokenizer.PieceOf(id)); });
}

// The tokens of `best` from `num_tags` on, segmented anew.
std::vector<int32_t> SampleSide(const Tokenizer& tokenizer, const std::string& text,
                                std::vector<int32_t> best, int64_t num_tags, uint64_t seed,
                                const SubwordSampler::Options& options) {
  // A cache that was forged may hold any text and ids.
  if (tokenizer.IsTooLong(text, options.max_length)) return best;
  const std::vector<int32_t> drawn = tokenizer.Sample(text, options.sampling, seed);
  const auto tags_end = best.begin() + std::min(num_tags, static_cast<int64_t>(best.size()));
  std::vector<int32_t> ids(best.begin(), tags_end);
  ids.insert(ids.end(), drawn.begin(), drawn.end());
  const bool fits = !drawn.empty() && static_cast<int64_t>(ids.size()) <= options.max_length;
  if (!fits || NumSymbols(ids, tokenizer) != NumSymbols(best, tokenizer)) return best;
  return ids;
}

}  // namespace

void RequireCanSample(const TokenizerPair& tokenizers, const SubwordSamplingConfig& sampling) {
  for (const auto& tokenizer : {tokenizers.source, tokenizers.target}) {
    const std::string which = tokenizers.shared()              ? ""
                              : tokenizer == tokenizers.source ? " source"
                                                               : " target";
    if (!tokenizer->CanSample()) {
      throw UsageError(
          "tokenizer.sampling: SentencePiece can sample from unigram and bpe models only, and "
          "the{} tokenizer is of another type",
          which);
    }
    if (sampling.nbest > 0 && !tokenizer->HasNbest()) {
      throw UsageError(
          "tokenizer.sampling.nbest: only a unigram model has a list of the likeliest "
          "segmentations, and the{} tokenizer is not unigram; leave it out",
          which);
    }
  }
}

MemoryCorpus SubwordSampler::Sample(const TokenizedCorpus& corpus, std::span<const uint32_t> pairs,
                                    uint64_t seed, Pace pace, const std::stop_token& stop) const {
  const auto sample = [&](size_t place) {
    const uint32_t pair = pairs[place];
    const PairText text = corpus.text(pair);
    const uint64_t own = DeriveSeed(seed, RandomStream::kSubwords, place);
    return SampledPair{.source = SampleSide(*tokenizers_.source, text.source, corpus.source(pair),
                                            text.num_tags, DeriveSeed(own, {0}), options_),
                       .target = SampleSide(*tokenizers_.target, text.target, corpus.target(pair),
                                            /*num_tags=*/0, DeriveSeed(own, {1}), options_),
                       .weight = corpus.weight(pair)};
  };
  MemoryCorpus sampled;
  const auto add = [&sampled](const SampledPair& pair) {
    sampled.Add({.source = pair.source, .target = pair.target, .weight = pair.weight});
  };
  if (pace == Pace::kInBackground) {
    for (size_t place = 0; place < pairs.size() && !stop.stop_requested(); ++place) {
      add(sample(place));
    }
    return sampled;
  }
  ProgressBar progress("sampling subwords", static_cast<int64_t>(pairs.size()));
  WorkInOrder<std::vector<SampledPair>> work(options_.num_threads,
                                             [&](const std::vector<SampledPair>& chunk) {
                                               for (const SampledPair& pair : chunk) add(pair);
                                               progress.Update(sampled.size(), "pairs");
                                             });
  for (size_t begin = 0; begin < pairs.size(); begin += kPairsAtATime) {
    work.Add([&sample, begin, end = std::min(begin + kPairsAtATime, pairs.size())] {
      std::vector<SampledPair> chunk;
      chunk.reserve(end - begin);
      for (size_t place = begin; place < end; ++place) chunk.push_back(sample(place));
      return chunk;
    });
  }
  work.Finish();
  return sampled;
}

}  // namespace wavemt
