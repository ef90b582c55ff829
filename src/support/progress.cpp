#include "support/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "support/display_width.h"
#include "support/logging.h"

namespace wavemt {

std::string WithThousands(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

std::string Counted(int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", WithThousands(number), noun, number == 1 ? "" : "s");
}

std::string HumanDuration(double seconds) {
  const auto total = static_cast<int64_t>(std::llround(std::max(seconds, 0.0)));
  const int64_t minutes = total / 60;
  const int64_t hours = minutes / 60;
  if (total < 60) return fmt::format("{}s", total);
  if (minutes < 60) return fmt::format("{}m {:02}s", minutes, total % 60);
  if (hours < 48) return fmt::format("{}h {:02}m", hours, minutes % 60);
  return fmt::format("{}d {:02}h", hours / 24, hours % 24);
}

std::string HumanBytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  // From 999.95 on, rounding to one decimal gives 1000.0.
  while (bytes >= (unit == 0 ? 999.5 : 999.95) && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

ProgressBar::ProgressBar(std::string label, int64_t total)
    : label_(std::move(label)),
      total_(total),
      terminal_(LogsToTerminal() && spdlog::should_log(spdlog::level::info)),
      start_(Clock::now()),
      last_shown_(start_) {}

ProgressBar::~ProgressBar() {
  if (drawn_) WriteToStandardError("\r\x1b[K");
}

void ProgressBar::Update(int64_t done, std::string_view detail) {
  const auto now = Clock::now();
  if (terminal_) {
    if (drawn_ && now - last_shown_ < kTerminalInterval) return;
    last_shown_ = now;
    DrawOnTerminal(done, detail);
  } else if (now - last_shown_ >= kPlainInterval) {
    last_shown_ = now;
    WriteLogLine(done, detail);
  }
}

double ProgressBar::SecondsLeft(int64_t done) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  return done > 0 ? elapsed / static_cast<double>(done) * static_cast<double>(total_ - done) : 0.0;
}

void ProgressBar::DrawOnTerminal(int64_t done, std::string_view detail) {
  std::string line;
  if (total_ > 0) {
    constexpr int kBarWidth = 24;
    const double share =
        std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0., 1.);
    const int filled = static_cast<int>(std::floor(share * kBarWidth));
    std::string bar;
    for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "━" : "┄";
    line = fmt::format("{} {:3.0f}%  {}/{}", label_, share * 100, WithThousands(done),
                       WithThousands(total_));
    if (!detail.empty()) line += fmt::format("  {}", detail);
    if (done > 0 && done < total_) line += "  " + HumanDuration(SecondsLeft(done)) + " left";
    // The bar is only drawn if it fits on the line.
    if (DisplayWidth(line) + kBarWidth + 2 < TerminalWidth()) line = bar + "  " + line;
  } else {
    line = fmt::format("{}  {}", label_, WithThousands(done));
    if (!detail.empty()) line += fmt::format("  {}", detail);
  }
  // A line that fills the last column would begin another one on some terminals.
  WriteToStandardError(
      fmt::format("\r\x1b[K{}", CutToWidth(Displayable(line), TerminalWidth() - 1)));
  drawn_ = true;
}

void ProgressBar::WriteLogLine(int64_t done, std::string_view detail) const {
  const std::string tail = detail.empty() ? "" : fmt::format("  {}", detail);
  if (total_ > 0) {
    spdlog::info("{}: {}/{}{}  {} left", label_, WithThousands(done), WithThousands(total_), tail,
                 HumanDuration(SecondsLeft(done)));
  } else {
    spdlog::info("{}: {}{}", label_, WithThousands(done), tail);
  }
}

}  // namespace wavemt
