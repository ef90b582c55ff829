#pragma once

#include <string_view>

namespace wavemt {

/// The program's version: "0.2.0".
std::string_view ProgramVersion();

}  // namespace wavemt
