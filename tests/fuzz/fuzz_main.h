#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "random_bytes.h"

namespace wavemt {

// One reader of data that may come from a stranger.
struct FuzzTarget {
  std::string_view name;
  // An input: well-formed, hostile or damaged. Its size is what memory is measured against.
  std::function<std::string(Random& random)> make;
  // Gives an input to the reader and checks what it made of it, by Require(). An Error says that
  // the reader refused it; any other exception, a crash or a sanitizer's report is a bug.
  std::function<void(const std::string& input)> read;
  // What reading an input may take beside its size, in bytes.
  int64_t memory = int64_t{64} << 20;
};

// Throws std::logic_error unless `condition` holds.
void Require(bool condition, const char* what);

// The main() of a fuzzer. Options: --inputs N, --seed S and --first N: inputs number N to N +
// inputs of that seed, for a long run in pieces, or to make one input again. A bug ends the program
// with the input's number; the input is then in the file fuzz_NAME.input.
//
// Reading an input may take its size and the target's memory, whether it is accepted or not. A
// build under the address sanitizer holds every allocation against that, another one the whole
// process.
int FuzzMain(int argc, char** argv, const FuzzTarget& target);

}  // namespace wavemt
