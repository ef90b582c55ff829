#include "training/update_batches.h"

#include <ATen/record_function.h>

#include <numeric>
#include <utility>

namespace wavemt {

UpdateBatches::UpdateBatches(std::vector<Batch> all)
    : batches(std::move(all)), numbers(batches.size()), target_tokens(TargetTokens(batches)) {
  std::iota(numbers.begin(), numbers.end(), uint64_t{0});
}

UpdateBatches NextBatches(Batcher& batcher, int64_t count, const World& world) {
  RECORD_USER_SCOPE("data");
  UpdateBatches update;
  for (int64_t number = 0; number < count * world.size(); ++number) {
    if (number % world.size() != world.rank()) {
      update.target_tokens += batcher.Skip();
      continue;
    }
    update.batches.push_back(batcher.Next());
    update.numbers.push_back(static_cast<uint64_t>(number));
    update.target_tokens += update.batches.back().target_tokens;
  }
  return update;
}

}  // namespace wavemt
