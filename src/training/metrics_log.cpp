#include "training/metrics_log.h"

#include <sstream>
#include <utility>

#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {
namespace {

Json ParsedOrNull(const std::string& line) {
  try {
    return ParseJson(line, "");
  } catch (const Error&) {
    return nullptr;
  }
}

bool IsOfValidation(const Json& line) {
  return line.contains("valid/loss") || line.contains("translation");
}

bool IsKept(const std::string& line, const MetricsLog::ResumePoint& from) {
  const Json json = ParsedOrNull(line);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
    return false;
  }
  const auto step = json["step"].get<int64_t>();
  if (step == from.step && IsOfValidation(json)) return from.with_validation;
  return step <= from.step;
}

bool BeginsWith(std::string_view text, const MetricsLog::Mark& mark) {
  const auto size = static_cast<uint64_t>(mark.bytes);
  return text.size() >= size && Crc32Of(text.substr(0, size)).value() == mark.checksum.value();
}

}  // namespace

void MetricsLog::Mark::Add(std::string_view text) {
  bytes += static_cast<int64_t>(text.size());
  checksum.Add(text.data(), text.size());
}

MetricsLog::MetricsLog(const std::filesystem::path& path, const ResumePoint& from)
    : file_(path, [this, path, from] { Prepare(path, from); }) {
  is_open_ = true;
}

void MetricsLog::Prepare(const std::filesystem::path& path, const ResumePoint& from) {
  const std::string text = Exists(path) ? ReadFile(path) : "";
  if (from.mark && !BeginsWith(text, *from.mark) && !std::exchange(has_warned_, true)) {
    spdlog::warn(
        "{}: is not what was written up to step {}: lines are damaged, changed or lost; readable "
        "ones are kept",
        path.string(), WithThousands(from.step));
  }
  std::istringstream old(text);
  std::string kept;
  for (std::string line; std::getline(old, line);) {
    if (IsKept(line, from)) kept += line + "\n";
  }
  if (kept != text) WriteFileAtomically(path, kept);
  if (is_open_) return;  // Lines already waiting to be written are not in any mark.
  Mark mark;
  mark.Add(kept);
  mark_ = mark;
}

void MetricsLog::Write(const Json& line) {
  const std::string text = JsonLine(line) + "\n";
  file_.Append(text);
  if (mark_) mark_->Add(text);
}

}  // namespace wavemt
