#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace wavemt {

/// JSON whose objects keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Parses one JSON value. Errors are usage errors that begin with `origin` (a file's name); they
/// give line and column of what is not valid JSON. Stricter than the library: a key that stands
/// twice in an object and nesting deeper than `kMaxJsonDepth` are refused.
Json ParseJson(std::string_view text, std::string_view origin);

inline constexpr int kMaxJsonDepth = 64;

}  // namespace wavemt
