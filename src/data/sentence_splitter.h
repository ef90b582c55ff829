#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// Finds the ends of sentences as ICU does (Unicode Standard Annex #29, section 5), but for these:
/// "U.S.", "p.m.", initials and titles like "Mr." end no sentence; neither does what is said in
/// quotes and goes on behind them with a small letter ("Yes!" he said); and what holds no letter or
/// digit belongs to the sentence before it. Not for several threads at once.
///
/// ICU's own lists of abbreviations ("ss=standard") are not used: they know "Go." and "Is.", not
/// "Dr.", and match the ends of longer words as well.
class SentenceSplitter {
 public:
  /// `language`: a code like "el"; of an unknown one, the rules for most languages hold.
  explicit SentenceSplitter(const std::string& language);
  ~SentenceSplitter();
  SentenceSplitter(const SentenceSplitter&) = delete;
  SentenceSplitter& operator=(const SentenceSplitter&) = delete;

  /// The sentences of `text` in order, without white space around them; none of a blank text. They
  /// are views of it.
  std::vector<std::string_view> Split(std::string_view text);

 private:
  struct Iterator;

  std::unique_ptr<Iterator> iterator_;
};

}  // namespace wavemt
