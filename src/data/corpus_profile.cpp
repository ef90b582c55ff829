#include "data/corpus_profile.h"

#include <algorithm>
#include <limits>

#include "support/json.h"

namespace wavemt {
bool CorpusProfile::HadSeveralSentences() const {
  constexpr int64_t kOneIn = 20;
  return several_sentences * kOneIn >= pairs;
}

CorpusProfile Together(const CorpusProfile& a, const CorpusProfile& b) {
  return {.pairs = a.pairs + b.pairs,
          .several_sentences = a.several_sentences + b.several_sentences,
          .longest_source = std::max(a.longest_source, b.longest_source),
          .longest_target = std::max(a.longest_target, b.longest_target),
          .checksum = a.checksum == b.checksum ? a.checksum : 0};
}

CorpusProfile ProfileOf(const TokenizedCorpus& corpus, const CorpusCounts& counts) {
  CorpusProfile profile = {.pairs = corpus.size(),
                           .several_sentences = counts.several_sentences,
                           .checksum = corpus.checksum()};
  for (int64_t pair = 0; pair < corpus.size(); ++pair) {
    const PairLengths lengths = corpus.lengths(pair);
    profile.longest_source = std::max(profile.longest_source, lengths.source);
    profile.longest_target = std::max(profile.longest_target, lengths.target);
  }
  return profile;
}

std::string CorpusProfileText(const CorpusProfile& profile) {
  const Json json = {{"pairs", profile.pairs},
                     {"several_sentences", profile.several_sentences},
                     {"longest_source", profile.longest_source},
                     {"longest_target", profile.longest_target},
                     {"checksum", profile.checksum}};
  return json.dump(2) + "\n";
}

CorpusProfile ParseCorpusProfile(std::string_view text, std::string_view origin) {
  constexpr int64_t kMaxCount = int64_t{1} << 40;
  const Json json = ParseJson(text, origin);
  CorpusProfile profile;
  profile.pairs = JsonCount(json, "pairs", origin, kMaxCount);
  profile.several_sentences = JsonCount(json, "several_sentences", origin, profile.pairs);
  profile.longest_source = JsonCount(json, "longest_source", origin, kMaxCount);
  profile.longest_target = JsonCount(json, "longest_target", origin, kMaxCount);
  profile.checksum = static_cast<uint32_t>(
      JsonCount(json, "checksum", origin, std::numeric_limits<uint32_t>::max()));
  return profile;
}

}  // namespace wavemt
