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

// "line 3, column 14" for a byte offset, as an editor counts: without a byte order mark.
std::string LineAndColumn(std::string_view text, size_t offset) {
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
  // The library quotes the last token in full, even if it is long or not valid UTF-8.
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

bool HasAt(std::string_view text, size_t offset, std::string_view what) {
  return text.substr(std::min(offset, text.size())).starts_with(what);
}

// Describes the error at `offset`, outside of a string, if it is a common one: syntax that other
// languages allow. Otherwise returns "".
std::string NameMistake(std::string_view text, size_t offset) {
  for (const std::string_view comment : {"//", "/*", "#"}) {
    if (HasAt(text, offset, comment)) {
      return fmt::format("a comment ({}), which JSON does not have; remove it", comment);
    }
  }
  for (const std::string_view quote : {"'", "`", "\u201C", "\u201D", "\u2018", "\u2019"}) {
    if (HasAt(text, offset, quote)) {
      return fmt::format("the quote {}, which JSON does not have; text goes in double quotes (\")",
                         quote);
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

// Describes the word that contains or ends at `offset`, such as True, NaN or an unquoted key.
std::string NameWord(std::string_view text, size_t offset) {
  size_t begin = std::min(offset, text.size());
  while (begin > 0 && IsWordCharacter(text[begin - 1])) --begin;
  size_t end = begin;
  while (end < text.size() && IsWordCharacter(text[end])) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  if (word.empty() || word.size() > kLongestQuote || std::isdigit(word[0]) != 0) return "";
  return fmt::format(
      "the word {}, which JSON does not have: it has true, false and null, and all other text "
      "goes in double quotes (\")",
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
  return UsageError("{}: {}: not valid JSON: {}", origin, LineAndColumn(text, offset),
                    mistake.empty() ? reason : std::string_view(mistake));
}

// "[json.exception.out_of_range.406] number overflow parsing '1e999'".
Error NumberError(std::string_view text, std::string_view origin, std::string_view message) {
  const size_t quote = message.find('\'') + 1;
  const std::string_view number = message.substr(quote, message.rfind('\'') - quote);
  return UsageError("{}: {}: the number {}{} is too large", origin,
                    LineAndColumn(text, text.find(number)), number.substr(0, kLongestQuote),
                    number.size() > kLongestQuote ? "..." : "");
}

// Refuses what JSON allows but nobody intends. This is a separate pass because the library's parser
// with a callback takes quadratic time: after each object in an array it scans the whole array.
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
      throw UsageError("{}: the key {} appears twice in one object; keep one", origin_,
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
  std::vector<std::set<std::string>> keys_;  // The keys of each open object; empty for an array.
};

}  // namespace

Json ParseJson(std::string_view text, std::string_view origin) {
  // FindOtherKind() recognizes nothing that is valid JSON.
  if (const auto kind = FindOtherKind(text, origin)) throw UsageError("{}: {}", origin, *kind);
  if (text.size() > kMaxJsonBytes) {
    throw UsageError("{}: not usable: {} bytes of JSON, but the limit is {}", origin, text.size(),
                     kMaxJsonBytes);
  }
  StrictEvents(origin).Parse(text, origin);
  return Json::parse(text);
}

int64_t JsonCount(const Json& object, const char* name, std::string_view origin, int64_t maximum) {
  const bool is_number =
      object.is_object() && object.contains(name) && object[name].is_number_integer();
  // A negative number is far out of range as an unsigned one.
  if (!is_number || object[name].get<uint64_t>() > static_cast<uint64_t>(maximum)) {
    throw UsageError("{}: \"{}\" is missing or no count", origin, name);
  }
  return object[name].get<int64_t>();
}

std::string JsonText(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string JsonLine(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string QuoteJson(const Json& value) {
  std::string text = JsonLine(value);
  if (text.size() <= kLongestQuote) return text;
  size_t end = kLongestQuote;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // Inside a character.
  return text.substr(0, end) + "...";
}

void JsonEvents::Parse(std::string_view text, std::string_view origin) {
  text_ = text;
  origin_ = origin;
  // The library's parser would take a NUL byte for the end of the text and ignore the rest.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw SyntaxError(text, origin, nul + 1, "a NUL byte");
  }
  Json::sax_parse(text, this);
}

bool JsonEvents::parse_error(std::size_t position, const std::string&,
                             const nlohmann::detail::exception& error) {
  // The library reports only syntax errors and numbers out of range.
  if (dynamic_cast<const Json::parse_error*>(&error) != nullptr) {
    throw SyntaxError(text_, origin_, position, error.what());
  }
  throw NumberError(text_, origin_, error.what());
}

Json ReadJson(const std::filesystem::path& path) {
  // One byte beyond the limit, so that ParseJson() sees that the file is too large.
  return ParseJson(ReadFile(path, kMaxJsonBytes + 1), path.string());
}

}  // namespace wavemt
