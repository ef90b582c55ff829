#include "training/step_tally.h"

namespace wavemt {
namespace {

torch::Tensor Pair(double first, double second, torch::Device device) {
  return torch::tensor({first, second}, torch::kDouble).to(device);
}

}  // namespace

StepTally::StepTally(torch::Device device)
    : interval_(Pair(0, 0, device)), skipped_(Pair(0, 0, device)) {}

void StepTally::Add(const torch::Tensor& loss, int64_t tokens, const torch::Tensor& is_finite) {
  const torch::NoGradGuard no_grad;
  // where() instead of a product, because NaN times 0 is not 0.
  interval_[0] += torch::where(is_finite, loss, 0.0);
  interval_[1] += is_finite.to(torch::kDouble) * static_cast<double>(tokens);
  const torch::Tensor is_skipped = is_finite.logical_not();
  skipped_ += is_skipped;
  skipped_[1] *= is_skipped;
}

StepTally::Sums StepTally::Read() const {
  const torch::Tensor values = torch::cat({interval_, skipped_}).cpu();
  const auto* value = values.const_data_ptr<double>();
  return {.loss = value[0],
          .tokens = static_cast<int64_t>(value[1]),
          .skipped = static_cast<int64_t>(value[2]),
          .skipped_in_a_row = static_cast<int64_t>(value[3])};
}

void StepTally::Set(const Sums& sums) {
  interval_.copy_(Pair(sums.loss, static_cast<double>(sums.tokens), torch::kCPU));
  skipped_.copy_(Pair(static_cast<double>(sums.skipped), static_cast<double>(sums.skipped_in_a_row),
                      torch::kCPU));
}

void StepTally::ClearInterval() { interval_.zero_(); }

}  // namespace wavemt
