#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "random_bytes.h"

namespace wavemt {

// A reader of untrusted data.
struct FuzzTarget {
  std::string_view name;
  // Makes an input: well-formed, hostile or damaged. The memory limit depends on its size.
  std::function<std::string(Random& random)> make;
  // Reads an input and checks the result with Require(). An Error means that the reader refused the
  // input; any other exception, a crash or a sanitizer's report is a bug.
  std::function<void(const std::string& input)> read;
  // The memory that reading an input may take in addition to its size, in bytes.
  int64_t memory = int64_t{64} << 20;
};

// Throws std::logic_error unless `condition` holds.
void Require(bool condition, const char* what);

// The main() of a fuzzer. Options: --inputs N, --seed S and --first N (the number of the first
// input, to split a long run or to reproduce one input). On a bug, the program stops, reports the
// input's number and leaves the input in the file fuzz_NAME.input.
//
// Reading an input may take as much memory as its size plus the target's limit, whether it is
// accepted or not. With the address sanitizer, the limit applies to the sum of all allocations,
// otherwise to the whole process.
int FuzzMain(int argc, char** argv, const FuzzTarget& target);

}  // namespace wavemt
