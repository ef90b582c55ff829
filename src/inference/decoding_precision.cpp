#include "inference/decoding_precision.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string_view>
#include <vector>

#include "inference/packed_linear.h"
#include "inference/packed_transformer.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

std::string_view NameOf(DecodingPrecision precision) {
  switch (precision) {
    case DecodingPrecision::kBf16:
      return "bf16";
    case DecodingPrecision::kInt8:
      return "int8";
    case DecodingPrecision::kFp32:
    case DecodingPrecision::kAuto:
      break;
  }
  return "fp32";
}

// The time of a decoder's feed-forward layer for a batch's hypotheses, in seconds: the best of a
// few rounds.
double LayerSeconds(const ModelConfig& config, DecodingPrecision precision) {
  constexpr int kRounds = 5;
  constexpr int64_t kRows = 160;
  const ProductKernels kernels = BestKernels(precision);
  const PackedLinear in(torch::ones({config.ffn_dim, config.d_model}), {}, precision, kernels);
  const PackedLinear out(torch::ones({config.d_model, config.ffn_dim}), {}, precision, kernels);
  std::vector<float> x(static_cast<size_t>(kRows * config.d_model), 1.0F);
  std::vector<float> inner(static_cast<size_t>(kRows * config.ffn_dim));
  PackedInput memory;
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    in.Apply(x.data(), kRows, &memory, inner.data());
    out.Apply(inner.data(), kRows, &memory, x.data());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

DecodingPrecision ResolveDecodingPrecision(DecodingPrecision wanted, const Transformer& model) {
  // Below this, a less accurate product is not worth it.
  constexpr double kClearlyFaster = 1.2;
  if (!PackedTransformer::CanPack(model)) {
    if (wanted == DecodingPrecision::kInt8) {
      throw UsageError("decoding.precision: int8 is for the CPU (--device cpu); a GPU takes bf16");
    }
    return wanted == DecodingPrecision::kAuto ? DecodingPrecision::kBf16 : wanted;
  }
  if (wanted != DecodingPrecision::kAuto) return wanted;
  const torch::NoGradGuard no_grad;
  const double fp32 = LayerSeconds(model->config(), DecodingPrecision::kFp32);
  DecodingPrecision chosen = DecodingPrecision::kFp32;
  double gain = kClearlyFaster;
  for (const auto precision : {DecodingPrecision::kBf16, DecodingPrecision::kInt8}) {
    const double its_gain = fp32 / LayerSeconds(model->config(), precision);
    if (its_gain < gain) continue;
    gain = its_gain;
    chosen = precision;
  }
  if (chosen == DecodingPrecision::kFp32) {
    spdlog::info("decoding.precision: auto: fp32; nothing else is clearly faster here");
  } else {
    spdlog::info(
        "decoding.precision: auto: {}; matrix products run {:.2f} times as fast as in fp32",
        NameOf(chosen), gain);
  }
  return chosen;
}

}  // namespace wavemt
