#include "data/cleaning/language_scripts.h"

#include <unicode/uchar.h>
#include <unicode/uloc.h>

#include <algorithm>
#include <cstdint>

#include "support/characters.h"

namespace wavemt {
namespace {

// ICU names the script that is likeliest; these languages are often written in another one as well.
// "yi" it takes for the script of that name, not for Yiddish.
struct SecondScript {
  std::string_view language;
  UScriptCode script;
};
constexpr SecondScript kSecondScripts[] = {
    {"az", USCRIPT_CYRILLIC}, {"bs", USCRIPT_CYRILLIC},   {"crh", USCRIPT_LATIN},
    {"kk", USCRIPT_LATIN},    {"ku", USCRIPT_ARABIC},     {"mn", USCRIPT_MONGOLIAN},
    {"pa", USCRIPT_ARABIC},   {"sd", USCRIPT_DEVANAGARI}, {"sr", USCRIPT_LATIN},
    {"tk", USCRIPT_CYRILLIC}, {"tt", USCRIPT_LATIN},      {"uz", USCRIPT_CYRILLIC},
    {"yi", USCRIPT_HEBREW},   {"zh", USCRIPT_BOPOMOFO}};

bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The language alone, with two letters if it has such a code: "sr" of "sr-RS" and of "srp".
std::string ShortCode(const std::string& language) {
  char code[ULOC_LANG_CAPACITY] = "";
  UErrorCode error = U_ZERO_ERROR;
  uloc_getLanguage(language.c_str(), code, sizeof(code), &error);
  return U_FAILURE(error) ? "" : std::string(code);
}

// Whether the code names a script: "sr-Latn" does, "sr-RS" does not.
bool NamesScript(const std::string& language) {
  char script[ULOC_SCRIPT_CAPACITY] = "";
  UErrorCode error = U_ZERO_ERROR;
  return uloc_getScript(language.c_str(), script, sizeof(script), &error) > 0;
}

}  // namespace

LanguageScripts::LanguageScripts(const std::string& language) {
  // ICU also takes names of scripts ("latin"), and takes an empty code for that of the system.
  constexpr size_t kLongestLanguage = 3;
  const auto code_end = std::find_if_not(language.begin(), language.end(), IsAsciiLetter);
  const std::string_view base(language.begin(), code_end);
  if (base.empty() || base.size() > kLongestLanguage) return;
  constexpr int32_t kMostScripts = 16;
  UScriptCode scripts[kMostScripts];
  UErrorCode error = U_ZERO_ERROR;
  const int32_t count = uscript_getCode(language.c_str(), scripts, kMostScripts, &error);
  if (U_FAILURE(error)) return;
  scripts_.assign(scripts, scripts + count);
  if (scripts_.empty()) return;
  const std::string short_code = ShortCode(language);
  if (short_code == "zh" || !NamesScript(language)) {
    for (const auto& [code, script] : kSecondScripts) {
      if (code == short_code) scripts_.push_back(script);
    }
  }
}

double LanguageScripts::ShareOf(std::string_view text) const {
  int64_t letters = 0;
  int64_t own = 0;
  for (size_t i = 0; i < text.size();) {
    const auto character = static_cast<UChar32>(NextCharacter(text, i));
    if (u_isalpha(character) == 0) continue;
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(character, &error);
    if (script == USCRIPT_COMMON || script == USCRIPT_INHERITED) continue;
    ++letters;
    if (std::find(scripts_.begin(), scripts_.end(), script) != scripts_.end()) ++own;
  }
  return letters == 0 ? 1.0 : static_cast<double>(own) / static_cast<double>(letters);
}

}  // namespace wavemt
