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

}  // namespace wavemt
