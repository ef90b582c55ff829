#pragma once

#include <unicode/uscript.h>

#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The scripts that a language is written in, as ICU knows them. Chinese has Han and Bopomofo,
/// Japanese Han, Hiragana and Katakana, Korean Hangul and Han. A code may name the script
/// ("sr-Latn", "zho_Hans"); without it, languages that are written in two have both ("sr", "srp",
/// "sr-RS").
class LanguageScripts {
 public:
  /// `language`: a code like "en" or "zh-CN".
  explicit LanguageScripts(const std::string& language);

  /// False for an empty or unknown code.
  bool known() const { return !scripts_.empty(); }

  /// The share of the letters of UTF-8 text that belong to these scripts. Letters of no script of
  /// their own (such as Japanese's long vowel mark) do not count; 1 if there are no others.
  /// REQUIRES: known()
  double ShareOf(std::string_view text) const;

 private:
  std::vector<UScriptCode> scripts_;
};

}  // namespace wavemt
