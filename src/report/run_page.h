#pragma once

#include <string>
#include <string_view>

#include "report/run_report.h"

namespace wavemt {

/// A report as an HTML page in one file, which loads nothing from elsewhere and needs no script:
/// one that it has reads the values of the curves at the pointer. A live page has another that
/// loads it again when the stamp that its server answers is a different one.
std::string RunPage(const RunReport& report);

/// Whether a file that begins with `text` is such a page.
bool IsRunPage(std::string_view text);

/// IsRunPage() needs no more than this many bytes.
inline constexpr size_t kRunPageMarkBytes = 1024;

/// The header Content-Security-Policy that a live page goes with.
std::string_view RunPagePolicy();

}  // namespace wavemt
