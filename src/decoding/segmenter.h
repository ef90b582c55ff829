#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/tokenizer.h"
#include "decoding/search_input.h"
#include "decoding/translation.h"

namespace wavemt {

/// What is known about the text that a model was trained on.
struct TrainedOn {
  std::optional<CorpusProfile> profile;
  std::string source_language;      // In the form that SentenceSplitter takes.
  std::vector<std::string> tags{};  // Of its sources.
};

/// A segment of a line, usually a sentence, that is translated on its own.
struct SourceSegment {
  size_t line = 0;           // Index of the line.
  std::vector<int32_t> ids;  // Of the source, without </s>.
  SearchedSentence sentence{};
};

/// Makes of lines what a search takes: segments with their tokens and limits. Errors are usage
/// errors that begin with the number of the line.
class Segmenter {
 public:
  struct Options {
    TokenizerPair tokenizers;
    TrainedOn trained_on;
    int64_t max_length = 0;         // The longest sequence that the model can process.
    int64_t first_line_number = 1;  // For errors.
    DecodingConfig decoding;
  };
  explicit Segmenter(Options options) : options_(std::move(options)) {}

  /// The segments of each line, by LineSplitter. `prefixes`: what the translation of each line must
  /// begin with; empty: nothing. Notes in `lines` their source tokens, and why their translations
  /// may be incomplete.
  std::vector<SourceSegment> Split(std::span<const std::string> sources,
                                   std::span<const std::string> prefixes,
                                   std::vector<TranslatedLine>* lines) const;

  /// One segment a line, whose target prefix is all of its translation.
  std::vector<SourceSegment> Pair(std::span<const std::string> sources,
                                  std::span<const std::string> targets) const;

 private:
  int64_t NumberOf(size_t line) const {
    return options_.first_line_number + static_cast<int64_t>(line);
  }
  int64_t LongestTranslation() const;  // In tokens without </s>.
  /// The tokens of decoding.source_prefix.
  std::vector<int32_t> EncodeTags() const;
  std::vector<int32_t> EncodeTargetPrefix(const std::string& text, size_t line) const;
  void SetLimits(SourceSegment* segment) const;

  Options options_;
};

}  // namespace wavemt
