#include "support/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace wavemt {
namespace {

// Each test asks in a process of its own: the handlers and the flag are the whole process's.
template <typename Check>
[[noreturn]] void ExitByCheck(Check check) {
  _exit(check() ? 0 : 1);
}

TEST(StopSignalTest, IsNoneBeforeASignal) {
  EXPECT_EXIT(ExitByCheck([] {
                InstallStopSignals();
                return StopSignal() == 0;
              }),
              testing::ExitedWithCode(0), "");
}

TEST(StopSignalTest, TellsWhichSignalCame) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(ExitByCheck([&] {
                  InstallStopSignals();
                  raise(signal);
                  return StopSignal() == signal;
                }),
                testing::ExitedWithCode(0), "");
  }
}

TEST(StopSignalTest, TheSecondSignalOfAKindEndsTheProcess) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(ExitByCheck([&] {
                  InstallStopSignals();
                  raise(signal);
                  raise(signal);
                  return true;
                }),
                testing::KilledBySignal(signal), "");
  }
}

// A read that waits goes on after the signal: no half line, no error.
TEST(StopSignalTest, DoesNotBreakAReadThatWaits) {
  EXPECT_EXIT(ExitByCheck([] {
                InstallStopSignals();
                struct sigaction action {};
                sigaction(SIGTERM, nullptr, &action);
                return (action.sa_flags & SA_RESTART) != 0;
              }),
              testing::ExitedWithCode(0), "");
}

TEST(ExitCodeOfSignalTest, IsTheShells) {
  EXPECT_EQ(ExitCodeOfSignal(SIGINT), 130);
  EXPECT_EQ(ExitCodeOfSignal(SIGTERM), 143);
}

}  // namespace
}  // namespace wavemt
