#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "support/json.h"

namespace wavemt {

/// Calls `take` with the JSON value of each line of `text` that is not empty. A line that is no
/// JSON, or for which `take` throws an Error, is skipped; returns how many were.
int64_t ForEachJsonLine(std::string_view text, const std::function<void(const Json&)>& take);

/// The text that a line has under a name. A usage error if there is none, so that ForEachJsonLine()
/// skips the line.
std::string TextInLine(const Json& line, const char* name);

}  // namespace wavemt
