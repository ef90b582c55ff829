#include "training/metrics_log.h"

#include <sstream>
#include <string>
#include <system_error>

#include "support/files.h"
#include "support/json.h"

namespace wavemt {
namespace {

Json ParsedOrNull(const std::string& line) {
  try {
    return ParseJson(line, "");
  } catch (const Error&) {
    return nullptr;
  }
}

bool Stays(const std::string& line, const MetricsLog::Behind& behind) {
  const Json json = ParsedOrNull(line);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
    return false;
  }
  const auto step = json["step"].get<int64_t>();
  if (step == behind.step && json.contains("valid/loss")) return behind.with_validation;
  return step <= behind.step;
}

void DropLaterLines(const std::filesystem::path& path, const MetricsLog::Behind& behind) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  const std::string text = ReadFile(path);
  std::istringstream old(text);
  std::string kept;
  for (std::string line; std::getline(old, line);) {
    if (Stays(line, behind)) kept += line + "\n";
  }
  if (kept != text) WriteFileAtomically(path, kept);
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, Behind behind)
    : file_(path, [path, behind] { DropLaterLines(path, behind); }) {}

}  // namespace wavemt
