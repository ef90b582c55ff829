#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/sentence_splitter.h"
#include "data/tokenizer.h"

namespace wavemt {

/// A line as the model takes it.
struct SplitLine {
  std::vector<std::vector<int32_t>> parts;  // Tokens of each; none for a blank line.
  bool was_cut = false;           // Inside a sentence: it is longer than the model's positions.
  bool exceeds_training = false;  // A part is longer than every sentence of training.
  bool has_unknown = false;       // Characters that the vocabulary does not know.
};

/// Cuts lines into what a model translates well at once.
class LineSplitter {
 public:
  struct Options {
    SentenceSplitting split_sentences = SentenceSplitting::kAuto;
    std::optional<CorpusProfile> trained_on{};  // Nothing: not known.
    std::string source_language{};              // As SentenceSplitter takes it.
    int64_t longest = 0;                        // Tokens that the model can take at once.
  };

  LineSplitter(std::shared_ptr<const Tokenizer> tokenizer, Options options);

  /// kAuto: each sentence is a part where training hardly saw several on a line; where it did, as
  /// many sentences as fit the longest pair of training. kAlways: each sentence. kNever: as many
  /// sentences as the model can take. A sentence that is longer than that is cut between words,
  /// else between characters. A line of megabytes takes little memory, and time in proportion to
  /// its length. Not for several threads at once.
  SplitLine Split(std::string_view line);

 private:
  bool SplitsEachSentence() const;
  std::vector<std::string_view> Pack(const std::vector<std::string_view>& sentences) const;
  void AddPart(std::string_view text, SplitLine* line) const;
  void AddTokens(std::string_view text, SplitLine* line) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  Options options_;
  int64_t wanted_;  // Tokens that a part should not exceed.
  SentenceSplitter sentences_;
};

/// Puts the translations of the parts together again, with a space between them unless one of the
/// neighbouring characters is of a script that writes none (Chinese, Japanese).
std::string JoinParts(const std::vector<std::string>& parts);

}  // namespace wavemt
