#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// What a model translates from and to.
struct LanguagePair {
  std::string source;
  std::string target;

  bool operator==(const LanguagePair&) const = default;
  std::string Text() const { return source + "-" + target; }
};

/// Whether `code` looks like the code of a language, such as "en", "fil", "zh_Hans" or "pt_BR".
bool IsLanguageCode(std::string_view code);

/// Whether two codes name the same language: "zh_Hans" and "zh-hans" do.
bool IsSameLanguage(std::string_view a, std::string_view b);

/// The name of a language in English, or its code if it has none that is known.
std::string LanguageName(const std::string& code);

/// A model on the command line.
struct ModelArgument {
  std::optional<LanguagePair> languages;
  std::string path;
};

/// Reads "en-de=runs/multi30k" or "runs/multi30k". A path may contain "=": only what looks like two
/// languages before the first one is taken for them.
ModelArgument ParseModelArgument(const std::string& text);

}  // namespace wavemt
