#include "support/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "exit_by_check.h"
#include "thrown_error.h"

namespace wavemt {
namespace {

TEST(StandardStreamsTest, AClosedPipeIsAnErrorAndNoEnd) {
  EXPECT_EXIT(ExitByCheck([] {
                PrepareStandardStreams();
                int ends[2];
                if (pipe(ends) != 0) return false;
                close(ends[0]);
                return write(ends[1], "x", 1) == -1 && errno == EPIPE;
              }),
              testing::ExitedWithCode(0), "");
}

TEST(StandardStreamsTest, AFileNeverTakesTheNumberOfAClosedStream) {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO}) {
    EXPECT_EXIT(ExitByCheck([&] {
                  close(stream);
                  PrepareStandardStreams();
                  return open("/dev/null", O_RDWR) > STDERR_FILENO;
                }),
                testing::ExitedWithCode(0), "");
  }
}

TEST(StandardStreamsTest, ResultsThatCannotBeWrittenAreAFailure) {
  EXPECT_EXIT(ExitByCheck([] {
                dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
                std::cout << "a translation\n";
                return FailureOf([] { FinishStandardOutput(); })
                    .starts_with("standard output: cannot be written");
              }),
              testing::ExitedWithCode(0), "");
}

TEST(StandardStreamsTest, TheEndWritesOutWhatStreamsHold) {
  EXPECT_EXIT(
      {
        static char buffer[1024];
        std::setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
        std::fputs("the last line", stderr);
        std::exit(EndProcess(3));
      },
      testing::ExitedWithCode(3), "^the last line$");
}

}  // namespace
}  // namespace wavemt
