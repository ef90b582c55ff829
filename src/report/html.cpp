#include "report/html.h"

#include <fmt/format.h>

#include <array>

namespace wavemt {

std::string EscapeHtml(std::string_view text) {
  constexpr std::string_view kSpecial = "&<>\"'";
  constexpr std::array kEscapes = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  std::string html;
  for (const char c : text) {
    const size_t index = kSpecial.find(c);
    if (index == std::string_view::npos) {
      html += c;
    } else {
      html += kEscapes[index];
    }
  }
  return html;
}

std::string OpenSvg(double width, double height, std::string_view title) {
  return fmt::format(
      R"(<svg width="{0}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}" fill="currentColor">)",
      width, height, EscapeHtml(title));
}

}  // namespace wavemt
