#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <utility>

#include "config/config.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// Throws a usage error unless both tokenizers can sample in this way.
void RequireCanSample(const TokenizerPair& tokenizers, const SubwordSamplingConfig& sampling);

/// Subword sampling: segments the text of a training corpus differently in each pass, so that a
/// model sees a word in many segmentations (subword regularization, Kudo 2018; BPE-dropout,
/// Provilkov et al. 2020).
class SubwordSampler {
 public:
  struct Options {
    SubwordSamplingConfig sampling;
    int64_t max_length = 0;  // Of a sentence in tokens.
    int num_threads = 1;     // Of Pace::kNow.
  };

  /// REQUIRES: RequireCanSample() has not thrown.
  SubwordSampler(TokenizerPair tokenizers, const Options& options)
      : tokenizers_(std::move(tokenizers)), options_(options) {}

  enum class Pace {
    kNow,           // On all threads, with a progress bar.
    kInBackground,  // On the calling thread.
  };
  /// The pairs of one pass over `corpus`, in the order of `pairs`, segmented anew. What is drawn
  /// for a pair depends only on its text, `seed` and its place in `pairs`. A sentence keeps its
  /// best pieces where the drawn ones are more than max_length, or cut one of the tokenizer's
  /// symbols.
  ///
  /// In the background, returns early with what there is once `stop` is requested.
  ///
  /// REQUIRES: corpus.has_text().
  MemoryCorpus Sample(const TokenizedCorpus& corpus, std::span<const uint32_t> pairs, uint64_t seed,
                      Pace pace, const std::stop_token& stop = {}) const;

 private:
  TokenizerPair tokenizers_;
  Options options_;
};

}  // namespace wavemt
