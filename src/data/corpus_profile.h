#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/corpus_tokenizer.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// Statistics of a model's training text, for translating with the model and for training it
/// further. A run stores them as corpus.json; runs of versions before 0.2.0 have none.
struct CorpusProfile {
  int64_t pairs = 0;
  int64_t several_sentences = 0;  // Pairs with more than one sentence on the source side.
  int64_t longest_source = 0;     // In tokens, without the end of sentence.
  int64_t longest_target = 0;
  uint32_t checksum = 0;  // TokenizedCorpus::checksum().

  /// Whether enough lines held several sentences for the model to learn to translate such lines. A
  /// model that hardly ever saw them translates the first sentence and drops the rest.
  bool HadSeveralSentences() const;
};

/// The profile of both texts together; the checksum is 0 if theirs differ.
CorpusProfile Together(const CorpusProfile& a, const CorpusProfile& b);

CorpusProfile ProfileOf(const TokenizedCorpus& corpus, const CorpusCounts& counts);

inline constexpr std::string_view kCorpusProfileFile = "corpus.json";

/// The text of corpus.json.
std::string CorpusProfileText(const CorpusProfile& profile);
/// Parses the text of corpus.json. Throws a usage error, which begins with `origin`, if it is
/// invalid.
CorpusProfile ParseCorpusProfile(std::string_view text, std::string_view origin);

}  // namespace wavemt
