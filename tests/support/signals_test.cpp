#include "support/signals.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "exit_by_check.h"

namespace wavemt {
namespace {

TEST(StopSignalTest, IsNoneBeforeASignal) {
  EXPECT_EXIT(ExitByCheck([] {
                InstallStopSignals();
                return StopSignal() == 0;
              }),
              testing::ExitedWithCode(0), "");
}

TEST(StopSignalTest, TellsWhichSignalCame) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    EXPECT_EXIT(ExitByCheck([&] {
                  std::signal(SIGHUP, SIG_DFL);
                  InstallStopSignals();
                  raise(signal);
                  return StopSignal() == signal;
                }),
                testing::ExitedWithCode(0), "");
  }
}

// A user at the keyboard should not have to wait for the end of a step.
TEST(StopSignalTest, ASecondInterruptEndsTheProcess) {
  EXPECT_EXIT(ExitByCheck([&] {
                InstallStopSignals();
                raise(SIGINT);
                // Without the wait, the second signal would count as the same Ctrl-C.
                std::this_thread::sleep_for(std::chrono::milliseconds(600));
                raise(SIGINT);
                return true;
              }),
              testing::KilledBySignal(SIGINT), "");
}

// `timeout` signals its child and then the whole group; schedulers send SIGTERM again.
TEST(StopSignalTest, TheSameSignalTwiceInAMomentIsOne) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    EXPECT_EXIT(ExitByCheck([&] {
                  InstallStopSignals();
                  raise(signal);
                  raise(signal);
                  return StopSignal() == signal;
                }),
                testing::ExitedWithCode(0), "");
  }
}

TEST(StopSignalTest, NohupStaysInForce) {
  EXPECT_EXIT(ExitByCheck([&] {
                std::signal(SIGHUP, SIG_IGN);
                InstallStopSignals();
                raise(SIGHUP);
                return StopSignal() == 0;
              }),
              testing::ExitedWithCode(0), "");
}

// A blocked read continues after the signal: no partial line, no error.
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
  EXPECT_EQ(ExitCodeOfSignal(SIGUSR1), 138);
}

}  // namespace
}  // namespace wavemt
