#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/corpus_tokenizer.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// What the text was like that a model was trained on, as those need to know who translate by it or
/// train it on. A run keeps it as corpus.json; one of a version before 0.2.0 has none.
struct CorpusProfile {
  int64_t pairs = 0;
  int64_t several_sentences = 0;  // Of these, with more than one sentence on the source side.
  int64_t longest_source = 0;     // In tokens, end of sentence not counted.
  int64_t longest_target = 0;
  uint32_t checksum = 0;  // TokenizedCorpus::checksum().

  /// Whether the model learned what to do with several sentences on a line: one of which hardly any
  /// line had them translates the first and drops the others.
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
