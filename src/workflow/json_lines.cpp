#include "workflow/json_lines.h"

#include <algorithm>

#include "support/error.h"

namespace wavemt {

int64_t ForEachJsonLine(std::string_view text, const std::function<void(const Json&)>& take) {
  int64_t skipped = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    try {
      take(ParseJson(line, ""));
    } catch (const Error&) {
      ++skipped;
    }
  }
  return skipped;
}

std::string TextInLine(const Json& line, const char* name) {
  if (!line.is_object() || !line.contains(name) || !line[name].is_string()) {
    throw UsageError("\"{}\" is missing or no text", name);
  }
  return line[name].get<std::string>();
}

}  // namespace wavemt
