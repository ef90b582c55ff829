#include "support/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "support/error.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

// "line 3, column 14" of a byte offset.
std::string PlaceInText(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", line, before.size() - line_start + 1);
}

// "[json.exception.parse_error.101] parse error at line 2, column 3: syntax error ... - reason".
std::string ReasonOf(const Json::parse_error& error) {
  std::string reason = error.what();
  const size_t colon = reason.find(": ");
  if (colon != std::string::npos) reason.erase(0, colon + 2);
  // What was read last is quoted byte for byte, valid or not.
  const size_t quote = reason.find("; last read: ");
  if (quote != std::string::npos && FindInvalidUtf8(reason)) reason.resize(quote);
  return reason;
}

}  // namespace

Json ParseJson(std::string_view text, std::string_view origin) {
  std::vector<std::set<std::string>> keys_of_open_objects;
  const Json::parser_callback_t check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= kMaxJsonDepth) {
      throw UsageError("{}: not usable: JSON nested deeper than {} levels", origin, kMaxJsonDepth);
    }
    if (event == Json::parse_event_t::object_start) {
      keys_of_open_objects.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys_of_open_objects.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_of_open_objects.back().insert(key).second) {
        throw UsageError("{}: the key \"{}\" stands twice in one object; keep one", origin, key);
      }
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    const size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    throw UsageError("{}: {}: not valid JSON: {}", origin, PlaceInText(text, offset),
                     ReasonOf(error));
  } catch (const Json::out_of_range& error) {
    // Thrown for nothing else: "[json.exception.out_of_range.406] number overflow parsing '1e999'".
    const std::string_view message = error.what();
    const size_t quote = message.find('\'') + 1;
    const std::string_view number = message.substr(quote, message.rfind('\'') - quote);
    throw UsageError("{}: {}: the number {} is too large", origin,
                     PlaceInText(text, text.find(number)), number);
  }
}

}  // namespace wavemt
