#pragma once

#include <string_view>

namespace wavemt {

/// The page at `/`: one pane to type in, another with its translation. It loads nothing but what
/// this server answers.
std::string_view TranslationPage();

/// The header Content-Security-Policy that it goes with.
std::string_view TranslationPagePolicy();

}  // namespace wavemt
