#include "evaluation/lowercase.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>

#include <algorithm>

#include "support/error.h"

namespace wavemt {
namespace {

constexpr const char* kNoLanguage = "";  // Turkish and Lithuanian have special rules.

char LowercaseAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

std::string Lowercase(std::string_view text) {
  std::string lower;
  if (std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; })) {
    lower.resize(text.size());
    std::transform(text.begin(), text.end(), lower.begin(), LowercaseAscii);
    return lower;
  }
  UErrorCode code = U_ZERO_ERROR;
  icu::StringByteSink<std::string> sink(&lower);
  icu::CaseMap::utf8ToLower(kNoLanguage, /*options=*/0,
                            {text.data(), static_cast<int32_t>(text.size())}, sink,
                            /*edits=*/nullptr, code);
  if (U_FAILURE(code)) throw Failure("lower-casing a line failed: {}", u_errorName(code));
  return lower;
}

}  // namespace wavemt
