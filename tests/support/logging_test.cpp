#include "support/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/json.h"

namespace wavemt {
namespace {

TEST(LoggingTest, WritesToStandardErrorOnly) {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  InitLogging();
  spdlog::info("reading {}", "text");
  spdlog::warn("odd");
  const std::string errors = testing::internal::GetCapturedStderr();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(errors, testing::MatchesRegex("[^\n]* info: reading text\n[^\n]* warning: odd\n"));
  spdlog::set_default_logger(before);
}

TEST(LoggingTest, AsJsonIsAnObjectALine) {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  testing::internal::CaptureStderr();
  InitLogging({.format = LogFormat::kJson});
  spdlog::info("two\nlines, a \"quote\" and \xFF");
  spdlog::warn("odd");
  std::istringstream lines(testing::internal::GetCapturedStderr());
  InitLogging();
  spdlog::set_default_logger(before);
  std::vector<Json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(ParseJson(line, "the log"));
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0]["level"], "info");
  EXPECT_EQ(objects[0]["message"], "two\nlines, a \"quote\" and \uFFFD");
  EXPECT_EQ(objects[1]["level"], "warning");
  EXPECT_EQ(objects[1]["message"], "odd");
  EXPECT_THAT(
      objects[0]["time"].get<std::string>(),
      testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9][0-9][0-9]Z"));
}

TEST(LoggingTest, QuietlySaysWhatIsWrong) {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  testing::internal::CaptureStderr();
  InitLogging({.quiet = true});
  spdlog::info("reading");
  spdlog::warn("odd");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex("[^\n]* warning: odd\n"));
  InitLogging();
  spdlog::set_default_logger(before);
}

// Replaces standard error by a socket that keeps the output of each call separate.
class CallsToStandardError {
 public:
  CallsToStandardError() : old_(dup(STDERR_FILENO)) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) throw std::runtime_error("no sockets");
    reader_ = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  ~CallsToStandardError() {
    End();
    close(reader_);
  }
  CallsToStandardError(const CallsToStandardError&) = delete;
  CallsToStandardError& operator=(const CallsToStandardError&) = delete;

  // What the next call wrote; "" after End().
  std::string Next() const {
    std::string text(1 << 16, '\0');
    const ssize_t size = read(reader_, text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  void End() {
    if (old_ < 0) return;
    dup2(old_, STDERR_FILENO);
    close(std::exchange(old_, -1));
  }

 private:
  int old_;
  int reader_ = -1;
};

std::string LineOf(int thread, int line) {
  return fmt::format("{} {} {}", thread, line, std::string(static_cast<size_t>(line) * 7, 'x'));
}

TEST(LoggingTest, LinesOfManyThreadsNeverMix) {
  constexpr int kThreads = 16;
  constexpr int kLines = 200;
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  std::map<std::string, int> seen;
  {
    CallsToStandardError calls;
    InitLogging();
    std::thread reader([&] {
      for (std::string text = calls.Next(); !text.empty(); text = calls.Next()) ++seen[text];
    });
    std::vector<std::thread> writers;
    for (int thread = 0; thread < kThreads; ++thread) {
      writers.emplace_back([thread] {
        for (int line = 0; line < kLines; ++line) {
          // Half of them like the progress bar.
          const std::string text = LineOf(thread, line);
          if (thread % 2 == 0) {
            spdlog::info("{}", text);
          } else {
            WriteToStandardError("\r" + text);
          }
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    calls.End();
    reader.join();
  }
  spdlog::set_default_logger(before);
  EXPECT_EQ(seen.size(), kThreads * kLines);
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int line = 0; line < kLines; ++line) {
      const std::string text = LineOf(thread, line);
      const auto is_whole = [&](const auto& entry) {
        const std::string& written = entry.first;
        return thread % 2 == 0 ? written.ends_with(" info: " + text + "\n")
                               : written == "\r" + text;
      };
      ASSERT_EQ(std::count_if(seen.begin(), seen.end(), is_whole), 1) << text;
    }
  }
}

// Coloured messages are written in a single call too.
TEST(LoggingTest, AMessageOnATerminalIsOneCall) {
  EXPECT_EXIT(
      {
        int screen = -1;
        int line = -1;
        if (openpty(&screen, &line, nullptr, nullptr, nullptr) != 0) std::_Exit(0);
        dup2(line, STDERR_FILENO);
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        InitLogging();
        spdlog::warn("odd");
        std::string text(1000, '\0');
        text.resize(static_cast<size_t>(read(screen, text.data(), text.size())));
        const bool whole = text.starts_with("\r\x1b[K") &&
                           text.find(" \x1b[33m\x1b[1mwarning\x1b[m: odd\r\n") != std::string::npos;
        std::_Exit(whole ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace wavemt
