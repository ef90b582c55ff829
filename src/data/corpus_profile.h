#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/corpus_tokenizer.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// What a model's training text was like, for whoever translates with the model or goes on training
/// it. A run keeps it as corpus.json; a run of a version before 0.2.0 has none.
struct CorpusProfile {
  int64_t pairs = 0;
  int64_t several_sentences = 0;  // Of these, with more than one sentence on the source side.
  int64_t longest_source = 0;     // In tokens, end of sentence not counted.
  int64_t longest_target = 0;
  uint32_t checksum = 0;  // TokenizedCorpus::checksum().

  /// Whether the model could learn to translate several sentences on a line. One that hardly ever
  /// saw them translates the first and drops the rest.
  bool HadSeveralSentences() const;
};

/// Of the texts of both together.
CorpusProfile Together(const CorpusProfile& a, const CorpusProfile& b);

CorpusProfile ProfileOf(const TokenizedCorpus& corpus, const CorpusCounts& counts);

inline constexpr std::string_view kCorpusProfileFile = "corpus.json";

/// The text of corpus.json, and what it says; a usage error that begins with `origin` where it is
/// not such a text.
std::string CorpusProfileText(const CorpusProfile& profile);
CorpusProfile ParseCorpusProfile(std::string_view text, std::string_view origin);

}  // namespace wavemt
