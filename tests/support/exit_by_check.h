#pragma once

#include <unistd.h>

namespace wavemt {

// Ends the process by what `check` says: for EXPECT_EXIT(), where what is tested (signals, standard
// streams) is the whole process's.
template <typename Check>
[[noreturn]] void ExitByCheck(Check check) {
  _exit(check() ? 0 : 1);
}

}  // namespace wavemt
