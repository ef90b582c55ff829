#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

/// "1,234,567"
std::string WithThousands(int64_t number);

/// "1 pair", "1,234 pairs"
std::string Counted(int64_t number, std::string_view noun);

/// "45s", "12m 05s", "3h 07m", "2d 04h"
std::string HumanDuration(double seconds);

/// "512 B", "38.2 MB", "1.4 GB"
std::string HumanBytes(double bytes);

/// Shows the progress of a long operation. On a terminal: one line, redrawn at most ten times a
/// second and removed at the end. Otherwise: a log line every `kPlainInterval`, so that short
/// operations print nothing.
class ProgressBar {
 public:
  /// `total` <= 0 means that the total is unknown: only the count is shown.
  ProgressBar(std::string label, int64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void set_total(int64_t total) { total_ = total; }

  /// Reports that `done` of `total` is done. `detail` is shown after the numbers.
  void Update(int64_t done, std::string_view detail = {});

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kTerminalInterval{100};
  static constexpr std::chrono::seconds kPlainInterval{10};

  void DrawOnTerminal(int64_t done, std::string_view detail);
  void WriteLogLine(int64_t done, std::string_view detail) const;
  double SecondsLeft(int64_t done) const;

  std::string label_;
  int64_t total_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_shown_;
};

}  // namespace wavemt
