#include "training/precision.h"

#include <algorithm>

#include "config/config_fields.h"
#include "model/best_time.h"
#include "support/logging.h"

namespace wavemt {
namespace {

// Below this, casts and rounding cancel the gain of faster products.
constexpr double kClearlyFaster = 1.4;

// The time of the first product of a feed-forward layer in seconds, including the cast of its
// input.
double ProductSeconds(const Config& config, int64_t rows, torch::Device device,
                      torch::ScalarType type) {
  constexpr int kRounds = 5;
  const auto options = torch::TensorOptions(device);
  const auto input = torch::ones({rows, config.model.d_model}, options);
  const auto weight = torch::ones({config.model.d_model, config.model.ffn_dim}, options).to(type);
  return BestSeconds(kRounds, device, [&] { torch::mm(input.to(type), weight); });
}

// How many times as fast products run in bf16 as in fp32.
double GainOfBf16(const Config& config, int64_t rows, torch::Device device) {
  return ProductSeconds(config, rows, device, torch::kFloat) /
         ProductSeconds(config, rows, device, torch::kBFloat16);
}

}  // namespace

PrecisionChoice ChoosePrecision(const Config& config, torch::Device device) {
  const torch::NoGradGuard no_grad;
  // A processor without instructions for bf16 takes over a hundred times as long. The rounds with a
  // whole batch of a model with the default sizes would take more than a minute there.
  constexpr int64_t kFewRows = 32;
  constexpr int64_t kMaxRows = 8192;  // More rows take longer without improving the measurement.
  constexpr double kHopeless = 0.2;
  double gain = GainOfBf16(config, kFewRows, device);
  if (gain > kHopeless) {
    gain = GainOfBf16(config, std::min(config.training.batch_tokens, kMaxRows), device);
  }
  const bool is_faster = gain >= kClearlyFaster;
  return {.precision = is_faster ? Precision::kBf16 : Precision::kFp32, .gain = gain};
}

Precision ResolvePrecision(const Config& config, torch::Device device) {
  if (config.training.precision != Precision::kAuto) return config.training.precision;
  const PrecisionChoice choice = ChoosePrecision(config, device);
  spdlog::info(
      "training.precision: auto: {}; matrix products run {:.2f} times as fast in bf16 as in fp32",
      NameOf(choice.precision), choice.gain);
  return choice.precision;
}

}  // namespace wavemt
