#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// Splits text into sentences like ICU (Unicode Standard Annex #29, section 5), except that
///   - "U.S.", "p.m.", initials and titles like "Mr." do not end a sentence,
///   - a closing quote or bracket before a lower-case letter does not either ("Yes!" he said),
///   - text without a letter or digit belongs to the previous sentence.
/// Not thread-safe.
///
/// ICU's own lists of abbreviations ("ss=standard") are not used: they contain "Go." and "Is." but
/// not "Dr.", and they also match the ends of longer words.
class SentenceSplitter {
 public:
  /// `language`: a code like "el". An unknown one selects the rules that most languages share.
  explicit SentenceSplitter(const std::string& language);
  ~SentenceSplitter();
  SentenceSplitter(const SentenceSplitter&) = delete;
  SentenceSplitter& operator=(const SentenceSplitter&) = delete;

  /// Returns the sentences of `text` in order, as views of it, without surrounding white space;
  /// none if the text is blank.
  std::vector<std::string_view> Split(std::string_view text);

 private:
  struct Iterator;

  std::unique_ptr<Iterator> iterator_;
};

}  // namespace wavemt
