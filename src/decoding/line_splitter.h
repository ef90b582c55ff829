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

/// A line, divided into segments that the model can translate.
struct SplitLine {
  std::vector<std::vector<int32_t>> segments;  // Token ids of each; none for a blank line.
  bool was_cut = false;           // A sentence exceeded the model's positions and was cut.
  bool exceeds_training = false;  // A segment is longer than every training sentence.
  bool has_unknown = false;       // The vocabulary lacks a character of the line.
};

/// Divides lines into segments that the model translates well: one sentence or several.
class LineSplitter {
 public:
  struct Options {
    SentenceSplitting split_sentences = SentenceSplitting::kAuto;
    std::optional<CorpusProfile> trained_on{};  // nullopt: not known.
    std::string source_language{};              // As SentenceSplitter takes it.
    std::vector<int32_t> prefix{};              // Tokens before each segment.
    std::vector<std::string> tags{};            // Which a line may begin with.
    int64_t longest = 0;  // The most tokens that the model can process at once, at least 1.
  };

  LineSplitter(std::shared_ptr<const Tokenizer> tokenizer, Options options);

  /// A segment is, by Options::split_sentences:
  ///   kAuto     one sentence if training lines hardly ever held several; otherwise as many as are
  ///             no longer than the longest training sentence, if that is known
  ///   kAlways   one sentence
  ///   kNever    as many sentences as the model can process
  /// A sentence longer than the model can process is cut between words or, failing that, between
  /// characters. Every segment begins with Options::prefix and then the line's own tags, if it has
  /// some (see LeadingTags()). With a vocabulary, a language code at the beginning of the line is
  /// such a tag, and takes the place of the prefix. Even a line of megabytes takes little memory,
  /// and time proportional to its length. Not thread-safe.
  SplitLine Split(std::string_view line);

 private:
  SplitLine SplitText(std::string_view line);
  // The tags that the line begins with.
  std::string_view OwnTags(std::string_view line) const;
  bool SplitsEachSentence() const;
  std::vector<std::string_view> Pack(const std::vector<std::string_view>& sentences) const;
  void AddText(std::string_view text, SplitLine* line) const;
  void AddSegments(std::string_view text, SplitLine* line) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  Options options_;
  // Of a segment without its tags, in tokens, for the current line.
  int64_t longest_ = 0;
  int64_t preferred_longest_ = 0;  // Only a single sentence makes a longer segment.
  int64_t longest_trained_ = 0;    // Of the training text; 0: not known.
  SentenceSplitter sentences_;
};

/// Joins the translations of a line's segments. There is a space between two of them unless one of
/// the characters next to it belongs to a script without spaces (Chinese, Japanese).
std::string JoinSegments(const std::vector<std::string>& segments);

}  // namespace wavemt
