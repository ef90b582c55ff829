#include "server/text_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "decoding/segment_combiner.h"

namespace wavemt {
namespace {

// A text of a thousand lines need not say a thousand times that it is strange.
constexpr size_t kMostWarnings = 10;

std::vector<std::string> WarningsOf(std::span<const TranslatedLine> lines) {
  std::vector<std::string> warnings;
  size_t further = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (std::string& warning : WarningsOf(lines[i], lines[i].output_was_cut)) {
      if (warnings.size() == kMostWarnings) {
        ++further;
      } else if (lines.size() == 1) {
        warnings.push_back(std::move(warning));
      } else {
        warnings.push_back(fmt::format("line {}: {}", i + 1, warning));
      }
    }
  }
  if (further > 0) warnings.push_back(fmt::format("and {} more warnings", further));
  return warnings;
}

}  // namespace

TextLines SplitIntoLines(std::string_view text) {
  TextLines split;
  while (true) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    const bool has_return = end > 0 && text[end - 1] == '\r';
    split.lines.emplace_back(text.substr(0, has_return ? end - 1 : end));
    split.breaks.emplace_back(has_return ? "\r\n" : "\n");
    text.remove_prefix(end + 1);
  }
  split.lines.emplace_back(text);
  return split;
}

TextTranslation JoinLines(std::span<const TranslatedLine> lines,
                          std::span<const std::string> breaks) {
  size_t num_texts = 1;
  for (const TranslatedLine& line : lines) num_texts = std::max(num_texts, line.best.size());
  TextTranslation joined;
  for (size_t n = 0; n < num_texts; ++n) {
    Translation text;
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::vector<Translation>& best = lines[i].best;
      if (!best.empty()) {
        const Translation& chosen = best[std::min(n, best.size() - 1)];
        text.text += chosen.text;
        text.score += chosen.score;
      }
      if (i < breaks.size()) text.text += breaks[i];
    }
    AddDistinct(std::move(text), &joined.best);
  }
  joined.warnings = WarningsOf(lines);
  return joined;
}

}  // namespace wavemt
