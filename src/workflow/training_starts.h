#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.h"

namespace wavemt {

/// A training that begins, or goes on after a checkpoint.
struct TrainingStart {
  int64_t step = 0;      // After which it goes on.
  std::string device{};  // "cpu, 2 threads, AVX512"
  int64_t processes = 1;
};

/// The line of starts.jsonl for a start now: also with which program and LibTorch, and on which
/// processor.
Json DescribeStart(const TrainingStart& start);

/// With what and where a run was trained. Starts that differ have a text each.
struct TrainingStarts {
  std::vector<std::string> programs{};  // "wavemt 0.2.0 (3f2c1aa), LibTorch 2.13.0"
  std::vector<std::string> machines{};  // "AMD EPYC 9B14, AVX2 AVX-512; cpu, 2 threads, AVX512"
};

/// Reads the contents of a starts.jsonl. Damaged lines are passed over.
TrainingStarts ParseStarts(std::string_view text);

}  // namespace wavemt
