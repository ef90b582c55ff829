#include "training/metrics_log.h"

#include <sstream>
#include <string>
#include <utility>

#include "support/files.h"
#include "support/logging.h"

namespace wavemt {
namespace {

bool BelongsToSteps(const std::string& line, int64_t last_step) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
         json["step"].get<int64_t>() <= last_step;
}

void DropLaterLines(const std::filesystem::path& path, int64_t last_step) {
  std::istringstream old(ReadFile(path));
  std::string kept;
  for (std::string line; std::getline(old, line);) {
    if (BelongsToSteps(line, last_step)) kept += line + "\n";
  }
  WriteFileAtomically(path, kept);
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int64_t last_step) : path_(std::move(path)) {
  if (std::filesystem::exists(path_)) DropLaterLines(path_, last_step);
  file_.open(path_, std::ios::app);
}

void MetricsLog::Write(const Json& line) {
  file_ << line.dump() << std::endl;
  if (!file_) {
    spdlog::warn("{}: cannot be written; this step's line is lost", path_.string());
    file_.clear();
  }
}

}  // namespace wavemt
