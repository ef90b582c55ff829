#include "support/logging.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace wavemt {

bool StandardErrorIsTerminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

void InitLogging() {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("wavemt", std::move(sink));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_pattern(StandardErrorIsTerminal() ? "\r\x1b[K%T %^%l%$: %v" : "%Y-%m-%d %T %l: %v");
}

}  // namespace wavemt
