#pragma once

#include <string>
#include <string_view>

namespace wavemt {

/// Plain text as HTML or SVG, also between quotes.
std::string EscapeHtml(std::string_view text);

/// Begins an <svg> of this size in the colour of the text around it.
std::string OpenSvg(double width, double height, std::string_view title);

}  // namespace wavemt
