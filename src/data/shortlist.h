#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// The target tokens that a translation may consist of, given its source: those that often stand
/// for one of the source's tokens, and the most frequent ones. A search then computes a few hundred
/// logits instead of a whole vocabulary.
class Shortlist {
 public:
  struct Options {
    int64_t per_token = 50;  // Target tokens for each source token.
    int64_t frequent = 100;  // Target tokens for every source.
  };
  /// Learns from parallel text with IBM Model 1 (Brown et al. 1993, section 4.1), from source to
  /// target with an empty source token, by expectation-maximization. Uses at most kMaxPairs pairs,
  /// spread over the corpus. A source token that is a target token as well, by its piece, may
  /// always stand for itself. `progress` is called with the pairs that are done, of
  /// PairsToRead(corpus); may be empty.
  static Shortlist Learn(const TokenizedCorpus& corpus, const TokenizerPair& tokenizers,
                         const Options& options, const std::function<void(int64_t)>& progress);
  static constexpr int64_t kMaxPairs = 1'000'000;
  static int64_t PairsToRead(const TokenizedCorpus& corpus);

  /// Parses Text(). A usage error, which begins with `origin`, if it is damaged or was learned for
  /// other tokenizers.
  static Shortlist Parse(std::string_view text, const TokenizerPair& tokenizers,
                         std::string_view origin);

  /// A line that says what it is and for which tokenizers, a line with the ids of the frequent
  /// tokens, and a line with ids for each source token.
  std::string Text(const TokenizerPair& tokenizers) const;

  /// The tokens for several sources together: ascending, </s> among them.
  std::vector<int32_t> TokensFor(std::span<const std::vector<int32_t>> sources) const;

  /// The tokens that any source has, </s> among them.
  int64_t num_frequent() const;
  /// The mean number of tokens for a source token, without those.
  double MeanPerToken() const;

 private:
  std::vector<int32_t> frequent_;               // With </s>.
  std::vector<std::vector<int32_t>> of_token_;  // [source vocabulary]
};

}  // namespace wavemt
