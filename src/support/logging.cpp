#include "support/logging.h"

#include <fmt/chrono.h>
#include <poll.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "support/json.h"

namespace wavemt {
namespace {

std::string_view ColorOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::info:
      return "\x1b[32m";  // Green.
    case spdlog::level::warn:
      return "\x1b[33m\x1b[1m";  // Bold yellow.
    case spdlog::level::err:
    case spdlog::level::critical:
      return "\x1b[31m\x1b[1m";  // Bold red.
    default:
      return "\x1b[36m";  // Cyan.
  }
}

// spdlog's terminal sink writes a message in several calls, which other output could interrupt.
class StandardErrorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StandardErrorSink(bool in_color) : in_color_(in_color) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string text(formatted.data(), formatted.size());
    if (in_color_ && message.color_range_end > message.color_range_start) {
      text.insert(message.color_range_end, "\x1b[m");
      text.insert(message.color_range_start, ColorOf(message.level));
    }
    WriteToStandardError(text);
  }
  void flush_() override {}

  bool in_color_;
};

class JsonFormatter : public spdlog::formatter {
 public:
  explicit JsonFormatter(int rank = 0) : rank_(rank) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    using std::chrono::system_clock;
    const auto second = std::chrono::floor<std::chrono::seconds>(message.time);
    const auto rest = std::chrono::floor<std::chrono::milliseconds>(message.time - second);
    const auto level = spdlog::level::to_string_view(message.level);
    Json object = {
        {"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                             fmt::gmtime(system_clock::to_time_t(second)), rest.count())},
        {"level", std::string(level.data(), level.size())},
        {"message", std::string(message.payload.data(), message.payload.size())}};
    if (rank_ > 0) object["rank"] = rank_;
    const std::string text = JsonLine(object) + "\n";
    line.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(rank_);
  }

 private:
  int rank_;
};

// A part of the logger, which is global too.
LogFormat log_format = LogFormat::kText;

}  // namespace

bool LogsToTerminal() {
  const char* term = std::getenv("TERM");
  return log_format == LogFormat::kText && isatty(STDERR_FILENO) != 0 && term != nullptr &&
         std::string_view(term) != "dumb";
}

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::optional<int> MessageWidth() {
  constexpr int kBeforeMessage = 15;  // "12:34:56 info: "
  if (!LogsToTerminal()) return std::nullopt;
  return std::max(1, TerminalWidth() - kBeforeMessage);
}

void InitLogging(const LogOptions& options) {
  log_format = options.format;
  const bool terminal = LogsToTerminal();
  // https://no-color.org
  const char* no_color = std::getenv("NO_COLOR");
  const bool in_color = terminal && (no_color == nullptr || *no_color == '\0');
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("wavemt", std::make_shared<StandardErrorSink>(in_color)));
  spdlog::set_level(options.quiet ? spdlog::level::warn : spdlog::level::info);
  if (options.format == LogFormat::kJson) {
    spdlog::set_formatter(std::make_unique<JsonFormatter>());
  } else {
    spdlog::set_pattern(terminal ? "\r\x1b[K%T %^%l%$: %v" : "%Y-%m-%d %T %l: %v");
  }
}

void LogAsRank(int rank, bool with_warnings) {
  if (rank == 0) return;
  spdlog::set_level(with_warnings ? spdlog::level::warn : spdlog::level::err);
  if (log_format == LogFormat::kJson) {
    spdlog::set_formatter(std::make_unique<JsonFormatter>(rank));
  } else {
    spdlog::set_pattern(fmt::format("%Y-%m-%d %T %l: rank {}: %v", rank));
  }
}

void WriteToStandardError(std::string_view text) {
  // A full pipe accepts only part of the text, so one call of write() may not be enough.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  while (!text.empty()) {
    const ssize_t count = write(STDERR_FILENO, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd room{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      poll(&room, 1, /*timeout=*/-1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace wavemt
