#pragma once

#include <unistd.h>

namespace wavemt {

// Exits with the result of `check`. For use with EXPECT_EXIT(), in tests of process-wide state such
// as signals and standard streams.
template <typename Check>
[[noreturn]] void ExitByCheck(Check check) {
  _exit(check() ? 0 : 1);
}

}  // namespace wavemt
