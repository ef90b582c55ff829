#include "commands/run_report_reader.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "checkpoint/run_directory.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/utf8.h"
#include "support/version.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr int64_t kStudiedPositions = 128;

std::string MadeText() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("wavemt {}, {:%Y-%m-%d %H:%M}", ProgramVersion(), fmt::localtime(now));
}

// The names of the folders or, where two are the same, what was typed.
std::vector<std::string> NamesOfRuns(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    names.push_back(ReplaceInvalidUtf8(RunDirectory::Open(path).path().filename().string()));
  }
  const std::vector<std::string> short_names = names;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (std::ranges::count(short_names, short_names[i]) > 1)
      names[i] = ReplaceInvalidUtf8(paths[i]);
  }
  return names;
}

std::optional<PositionStudy> StudyIfPossible(const fs::path& run) {
  try {
    const bool has_model = !CheckpointStepsIn(run).empty();
    return StudyPositions(has_model ? run : run / "config.json", {}, kStudiedPositions);
  } catch (const Error& error) {
    spdlog::warn("{}; its position encoding is not drawn", error.what());
    return std::nullopt;
  }
}

}  // namespace

RunReportReader::RunReportReader(std::vector<std::string> paths, bool may_be_empty)
    : paths_(std::move(paths)), may_be_empty_(may_be_empty) {
  std::vector<fs::path> seen;
  for (const std::string& path : paths_) {
    fs::path canonical = fs::canonical(RunDirectory::Open(path).path());
    if (std::ranges::find(seen, canonical) != seen.end()) {
      throw UsageError("{}: is named twice; name each run once", path);
    }
    seen.push_back(std::move(canonical));
  }
}

void RunReportReader::WarnOfDamage(const ReportedRun& run) {
  const auto warn = [&](const fs::path& file, int64_t lines) {
    if (lines == 0) return;
    spdlog::warn("{}: {} cannot be read and {} left out", file.string(), Counted(lines, "line"),
                 lines == 1 ? "is" : "are");
  };
  const RunDirectory folder = RunDirectory::WithoutLock(run.record.path);
  warn(folder.MetricsPath(), run.record.metrics.damaged_lines);
  warn(folder.SamplesPath(), run.record.samples.damaged_lines);
}

RunReport RunReportReader::Read() {
  RunReport report{.made = MadeText()};
  const std::vector<std::string> names = NamesOfRuns(paths_);
  int64_t damaged = 0;
  for (size_t i = 0; i < paths_.size(); ++i) {
    report.runs.push_back({.name = names[i], .record = ReadRunRecord(paths_[i], may_be_empty_)});
    const RunRecord& record = report.runs.back().record;
    damaged += record.metrics.damaged_lines + record.samples.damaged_lines;
  }
  if (damaged > damaged_before_) {
    for (const ReportedRun& run : report.runs) WarnOfDamage(run);
  }
  damaged_before_ = damaged;
  if (!has_studied_) {
    for (const ReportedRun& run : report.runs) {
      positions_.push_back(StudyIfPossible(run.record.path));
    }
    has_studied_ = true;
  }
  for (size_t i = 0; i < paths_.size(); ++i) report.runs[i].positions = positions_[i];
  return report;
}

}  // namespace wavemt
