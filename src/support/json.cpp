#include "support/json.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "support/file_kind.h"
#include "support/files.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

constexpr size_t kLongestQuote = 80;

// "line 3, column 14" of a byte offset. An editor shows no byte order mark.
std::string PlaceInText(std::string_view text, size_t offset) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
    offset -= std::min(offset, kByteOrderMark.size());
  }
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", line, before.size() - line_start + 1);
}

// "[json.exception.parse_error.101] parse error at line 2, column 3: syntax error ... - reason".
std::string_view ReasonOf(std::string_view message) {
  const size_t colon = message.find(": ");
  if (colon != std::string_view::npos) message.remove_prefix(colon + 2);
  // What was read last is quoted byte for byte, valid or not, and whole.
  const size_t quote = message.find("; last read: ");
  const bool too_long = message.size() > quote && message.size() - quote > kLongestQuote;
  if (quote != std::string_view::npos && (too_long || FindInvalidUtf8(message))) {
    message = message.substr(0, quote);
  }
  return message;
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether `text` has this at `place`.
bool HasAt(std::string_view text, size_t place, std::string_view what) {
  return text.substr(std::min(place, text.size())).starts_with(what);
}

// The mistake at `offset`, outside of a string, if it is one that people make: what other languages
// allow. Else nothing.
std::string NameMistake(std::string_view text, size_t offset) {
  for (const std::string_view comment : {"//", "/*", "#"}) {
    if (HasAt(text, offset, comment)) {
      return fmt::format("a comment ({}), which JSON does not have; remove it", comment);
    }
  }
  for (const std::string_view quote : {"'", "`", "\u201C", "\u201D", "\u2018", "\u2019"}) {
    if (HasAt(text, offset, quote)) {
      return fmt::format(
          "the quote {}, which JSON does not have; text stands in double quotes (\")", quote);
    }
  }
  if (HasAt(text, offset, "}") || HasAt(text, offset, "]")) {
    const std::string_view before = text.substr(0, offset);
    const size_t last = before.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos || before[last] != ',') return "";
    return fmt::format("a comma with nothing between it and this {}; remove the comma",
                       text[offset]);
  }
  return "";
}

// The word that the place is in or behind, such as True, NaN or a key without quotes.
std::string NameWord(std::string_view text, size_t offset) {
  size_t begin = std::min(offset, text.size());
  while (begin > 0 && IsWordCharacter(text[begin - 1])) --begin;
  size_t end = begin;
  while (end < text.size() && IsWordCharacter(text[end])) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  if (word.empty() || word.size() > kLongestQuote || std::isdigit(word[0]) != 0) return "";
  return fmt::format(
      "the word {}, which JSON does not have: it has true, false and null, and all other text "
      "stands in double quotes (\")",
      word);
}

Error SyntaxError(std::string_view text, std::string_view origin, size_t position,
                  std::string_view message) {
  const size_t offset = position > 0 ? position - 1 : 0;
  const std::string_view reason = ReasonOf(message);
  const std::string_view problem = reason.substr(0, reason.find("; last read: "));
  const auto is = [&](const char* what) { return problem.find(what) != std::string_view::npos; };
  std::string mistake = is("invalid string") ? "" : NameMistake(text, offset);
  if (mistake.empty() && is("invalid literal")) mistake = NameWord(text, offset);
  return UsageError("{}: {}: not valid JSON: {}", origin, PlaceInText(text, offset),
                    mistake.empty() ? reason : std::string_view(mistake));
}

// "[json.exception.out_of_range.406] number overflow parsing '1e999'".
Error NumberError(std::string_view text, std::string_view origin, std::string_view message) {
  const size_t quote = message.find('\'') + 1;
  const std::string_view number = message.substr(quote, message.rfind('\'') - quote);
  return UsageError("{}: {}: the number {}{} is too large", origin,
                    PlaceInText(text, text.find(number)), number.substr(0, kLongestQuote),
                    number.size() > kLongestQuote ? "..." : "");
}

// Refuses what JSON allows, but nobody means. A pass of its own: the library's parser with a
// callback looks through all that an array holds at the end of each object in it.
class StrictEvents : public JsonEvents {
 public:
  explicit StrictEvents(std::string_view origin) : origin_(origin) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }

  bool start_object(std::size_t) override { return Open(); }
  bool start_array(std::size_t) override { return Open(); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& key) override {
    std::set<std::string>& keys = keys_.back();
    if (keys.size() == kMaxJsonKeys) {
      throw UsageError("{}: not usable: an object of more than {} keys", origin_, kMaxJsonKeys);
    }
    if (!keys.insert(key).second) {
      throw UsageError("{}: the key {} stands twice in one object; keep one", origin_,
                       QuoteJson(key));
    }
    return true;
  }

 private:
  bool Open() {
    if (keys_.size() >= kMaxJsonDepth) {
      throw UsageError("{}: not usable: JSON nested deeper than {} levels", origin_, kMaxJsonDepth);
    }
    keys_.emplace_back();
    return true;
  }
  bool Close() {
    keys_.pop_back();
    return true;
  }
  Error Unexpected() const override { return UsageError("{}: not usable: binary", origin_); }

  std::string_view origin_;
  std::vector<std::set<std::string>> keys_;  // Of each open object; empty for an array.
};

}  // namespace

Json ParseJson(std::string_view text, std::string_view origin) {
  // None of these is valid JSON.
  if (const auto kind = FindOtherKind(text, origin)) throw UsageError("{}: {}", origin, *kind);
  if (text.size() > kMaxJsonBytes) {
    throw UsageError("{}: not usable: {} bytes of JSON, but {} are the most", origin, text.size(),
                     kMaxJsonBytes);
  }
  StrictEvents(origin).Parse(text, origin);
  return Json::parse(text);
}

std::string QuoteJson(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kLongestQuote) return text;
  size_t end = kLongestQuote;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // Inside a character.
  return text.substr(0, end) + "...";
}

void JsonEvents::Parse(std::string_view text, std::string_view origin) {
  text_ = text;
  origin_ = origin;
  // The library's parser takes it for the end of the text, whatever follows.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw SyntaxError(text, origin, nul + 1, "a NUL byte");
  }
  Json::sax_parse(text, this);
}

bool JsonEvents::parse_error(std::size_t position, const std::string&,
                             const nlohmann::detail::exception& error) {
  // The library's parser reports these two and no others.
  if (dynamic_cast<const Json::parse_error*>(&error) != nullptr) {
    throw SyntaxError(text_, origin_, position, error.what());
  }
  throw NumberError(text_, origin_, error.what());
}

Json ReadJson(const std::filesystem::path& path) {
  // One byte more than there may be, for the error.
  return ParseJson(ReadFile(path, kMaxJsonBytes + 1), path.string());
}

}  // namespace wavemt
