#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/run_directory.h"
#include "training/named_scores.h"

namespace wavemt {

/// What `wavemt translate` opens of a run.
struct BestModel {
  std::filesystem::path checkpoint;
  std::optional<int64_t> step{};     // Nothing: it is the average of the best checkpoints.
  bool is_best = true;               // Otherwise the newest: nothing says which is the best.
  std::vector<NamedScore> scores{};  // On the first validation set, as far as they are known.
};

/// Nothing if the run has no model yet.
std::optional<BestModel> FindBestModel(const RunDirectory& run);

}  // namespace wavemt
