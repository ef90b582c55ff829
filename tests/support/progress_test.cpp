#include "support/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace wavemt {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// False in a container or chroot without /dev/pts.
bool HasTerminals() {
  const int descriptor = posix_openpt(O_RDWR | O_NOCTTY);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

// Replaces standard error by a terminal during its lifetime.
class Terminal {
 public:
  explicit Terminal(uint16_t width) : old_stderr_(dup(STDERR_FILENO)) {
    const winsize size{.ws_row = 24, .ws_col = width, .ws_xpixel = 0, .ws_ypixel = 0};
    if (openpty(&screen_, &line_, nullptr, nullptr, &size) != 0) throw std::runtime_error("no pty");
    fcntl(screen_, F_SETFL, O_NONBLOCK);
    dup2(line_, STDERR_FILENO);
    setenv("TERM", "xterm", 1);
  }
  ~Terminal() {
    dup2(old_stderr_, STDERR_FILENO);
    for (const int descriptor : {old_stderr_, screen_, line_}) close(descriptor);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // What was written since the last call.
  std::string Written() const {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = read(screen_, buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int old_stderr_;
  int screen_ = -1;
  int line_ = -1;
};

TEST(CountedTest, IsPluralUnlessThereIsOne) {
  EXPECT_EQ(Counted(1, "pair"), "1 pair");
  EXPECT_EQ(Counted(0, "pair"), "0 pairs");
  EXPECT_EQ(Counted(1234, "pair"), "1,234 pairs");
}

TEST(WithThousandsTest, PutsACommaBetweenThousands) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(WithThousands(-999), "-999");
  EXPECT_EQ(WithThousands(-1000), "-1,000");
  EXPECT_EQ(WithThousands(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(WithThousandsTest, ChangesNothingButCommas) {
  std::mt19937_64 generator(1);
  for (int trial = 0; trial < 2000; ++trial) {
    const auto number = static_cast<int64_t>(generator()) >> (generator() % 64);
    std::string text = WithThousands(number);
    for (size_t comma = text.size(); comma > 4; comma -= 4) {
      const bool expected = text[comma - 5] != '-';
      ASSERT_EQ(text[comma - 4] == ',', expected) << text;
    }
    text.erase(std::remove(text.begin(), text.end(), ','), text.end());
    ASSERT_EQ(text, std::to_string(number));
  }
}

TEST(HumanDurationTest, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(HumanDuration(0), "0s");
  EXPECT_EQ(HumanDuration(45.4), "45s");
  EXPECT_EQ(HumanDuration(59.5), "1m 00s");
  EXPECT_EQ(HumanDuration(725), "12m 05s");
  EXPECT_EQ(HumanDuration(3599), "59m 59s");
  EXPECT_EQ(HumanDuration(3599.5), "1h 00m");
  EXPECT_EQ(HumanDuration(3 * 3600 + 7 * 60 + 59), "3h 07m");
  EXPECT_EQ(HumanDuration(48 * 3600 - 1), "47h 59m");
  EXPECT_EQ(HumanDuration(52 * 3600), "2d 04h");
}

TEST(HumanDurationTest, NeverShowsLessThanNothing) { EXPECT_EQ(HumanDuration(-3), "0s"); }

TEST(HumanBytesTest, ShowsThreeDigitsBeforeThePointAtMost) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(512), "512 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(38'240'000), "38.2 MB");
  EXPECT_EQ(HumanBytes(999'940), "999.9 kB");
  EXPECT_EQ(HumanBytes(999'960), "1.0 MB");
  EXPECT_EQ(HumanBytes(1.4e9), "1.4 GB");
  EXPECT_EQ(HumanBytes(2e12), "2.0 TB");
  EXPECT_EQ(HumanBytes(5e15), "5000.0 TB");
}

TEST(ProgressBarTest, ShortWorkPrintsNothingOutsideATerminal) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  {
    ProgressBar progress("working", 1000);
    for (int done = 0; done <= 1000; ++done) progress.Update(done, "detail");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(ProgressBarTest, IsDrawnOnATerminalAndRemovedAtTheEnd) {
  if (!HasTerminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const Terminal terminal(120);
  {
    ProgressBar progress("working", 2000);
    progress.Update(1000, "loss 4.2");
    const std::string drawn = terminal.Written();
    EXPECT_THAT(drawn, StartsWith("\r\x1b[K━━━━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄  "));
    EXPECT_THAT(drawn, HasSubstr("working  50%  1,000/2,000  loss 4.2"));
    EXPECT_THAT(drawn, EndsWith(" left"));
  }
  EXPECT_EQ(terminal.Written(), "\r\x1b[K");
}

TEST(ProgressBarTest, ShowsTheCountWhereTheEndIsNotKnown) {
  if (!HasTerminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const Terminal terminal(120);
  ProgressBar progress("reading", 0);
  progress.Update(12345, "pairs");
  EXPECT_EQ(terminal.Written(), "\r\x1b[Kreading  12,345  pairs");
}

TEST(ProgressBarTest, StaysOnOneLineOfANarrowTerminal) {
  if (!HasTerminals()) GTEST_SKIP() << "no pseudo-terminals here";
  const Terminal terminal(20);
  for (const int64_t total : {0, 2'000'000}) {
    std::string drawn;
    {
      ProgressBar progress("tokenizing data.train", total);
      progress.Update(1'000'000, "loss 4.2");
      drawn = terminal.Written();
    }
    terminal.Written();  // The bar's removal.
    EXPECT_THAT(drawn, StartsWith("\r\x1b[Ktokenizing"));
    EXPECT_LT(drawn.size(), std::string("\r\x1b[K").size() + 20);
    EXPECT_THAT(drawn, Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace wavemt
