#include "commands/live_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "checkpoint/run_directory.h"
#include "report/run_page.h"

namespace fs = std::filesystem;

namespace wavemt {

LiveReport::LiveReport(const std::vector<std::string>& paths)
    : paths_(paths), reader_(paths, /*may_be_empty=*/true) {}

std::string LiveReport::Stamp() const {
  std::string stamp;
  for (const std::string& path : paths_) {
    const RunDirectory run = RunDirectory::WithoutLock(path);
    for (const fs::path& file :
         {run.MetricsPath(), run.SamplesPath(), run.path() / "checkpoints/latest",
          run.path() / "checkpoints/best"}) {
      std::error_code error;
      const auto bytes = fs::file_size(file, error);
      if (error) {
        stamp += "-.";
        continue;
      }
      const auto time = fs::last_write_time(file, error).time_since_epoch().count();
      stamp += fmt::format("{:x}-{:x}.", bytes, time);
    }
  }
  return stamp;
}

std::string LiveReport::Html() {
  const std::scoped_lock lock(mutex_);
  // Before the files are read: what changes meanwhile makes the page an old one.
  std::string stamp = Stamp();
  if (html_.empty() || stamp != stamp_) {
    RunReport report = reader_.Read();
    report.live_stamp = stamp;
    html_ = RunPage(report);
    stamp_ = std::move(stamp);
  }
  return html_;
}

}  // namespace wavemt
