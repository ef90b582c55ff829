#include "server/language_pair.h"

#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace wavemt {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsWord(std::string_view text, size_t shortest, size_t longest) {
  return text.size() >= shortest && text.size() <= longest && std::ranges::all_of(text, IsLetter);
}

char Folded(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool IsLanguageCode(std::string_view code) {
  const size_t underscore = code.find('_');
  if (!IsWord(code.substr(0, underscore), 2, 3)) return false;
  return underscore == std::string_view::npos || IsWord(code.substr(underscore + 1), 2, 4);
}

bool IsSameLanguage(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Folded, Folded);
}

std::string LanguageName(const std::string& code) {
  std::array<UChar, 128> name{};
  std::array<char, 3 * 128> text{};
  UErrorCode status = U_ZERO_ERROR;
  const int32_t length = uloc_getDisplayName(code.c_str(), "en", name.data(),
                                             static_cast<int32_t>(name.size()), &status);
  int32_t bytes = 0;
  u_strToUTF8(text.data(), static_cast<int32_t>(text.size()), &bytes, name.data(), length, &status);
  if (U_FAILURE(status) || bytes <= 0) return code;
  return {text.data(), static_cast<size_t>(bytes)};
}

ModelArgument ParseModelArgument(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos) {
    const std::string languages = text.substr(0, equals);
    const size_t dash = languages.find('-');
    if (dash != std::string::npos && IsLanguageCode(languages.substr(0, dash)) &&
        IsLanguageCode(languages.substr(dash + 1))) {
      return {.languages = LanguagePair{.source = languages.substr(0, dash),
                                        .target = languages.substr(dash + 1)},
              .path = text.substr(equals + 1)};
    }
  }
  return {.languages = std::nullopt, .path = text};
}

}  // namespace wavemt
