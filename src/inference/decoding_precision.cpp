#include "inference/decoding_precision.h"

#include <vector>

#include "config/config_fields.h"
#include "inference/packed_linear.h"
#include "inference/packed_transformer.h"
#include "model/best_time.h"
#include "model/torch_threads.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

constexpr int kRounds = 5;
constexpr int64_t kRows = 160;  // The hypotheses of a batch.

// The time of a decoder's feed-forward layer for one of the threads that search, in seconds.
double PackedSeconds(const ModelConfig& config, DecodingPrecision precision) {
  const TorchThreads one(1);
  const ProductKernels kernels = BestKernels(precision);
  const PackedLinear in(torch::ones({config.ffn_dim, config.d_model}), {}, precision, kernels);
  const PackedLinear out(torch::ones({config.d_model, config.ffn_dim}), {}, precision, kernels);
  const std::vector<float> x(static_cast<size_t>(kRows * config.d_model), 1.0F);
  std::vector<float> inner(static_cast<size_t>(kRows * config.ffn_dim));
  std::vector<float> y(x.size());
  PackedInput memory;
  const double seconds = BestSeconds(kRounds, torch::kCPU, [&] {
    in.Apply(x.data(), kRows, &memory, inner.data());
    out.Apply(inner.data(), kRows, &memory, y.data());
  });
  ReleaseKernels();
  return seconds;
}

// The same for the modules, on a GPU.
double ModuleSeconds(const ModelConfig& config, torch::Device device, torch::ScalarType type) {
  const auto x = torch::ones({kRows, config.d_model}, torch::TensorOptions(device));
  const auto weight =
      torch::ones({config.d_model, config.ffn_dim}, torch::TensorOptions(device)).to(type);
  return BestSeconds(kRounds, device, [&] { torch::mm(x.to(type), weight); });
}

}  // namespace

DecodingPrecision ResolveDecodingPrecision(DecodingPrecision wanted, const Transformer& model) {
  // Below this, a less accurate product is not worth it.
  constexpr double kClearlyFaster = 1.2;
  const bool packs = PackedTransformer::CanPack(model);
  if (wanted == DecodingPrecision::kInt8 && !packs) {
    throw UsageError("decoding.precision: int8 is for the CPU (--device cpu); a GPU takes bf16");
  }
  if (wanted != DecodingPrecision::kAuto) return wanted;
  const torch::NoGradGuard no_grad;
  const ModelConfig& config = model->config();
  const torch::Device device = model->OutputWeight().device();
  const auto seconds = [&](DecodingPrecision precision) {
    if (packs) return PackedSeconds(config, precision);
    const bool is_bf16 = precision == DecodingPrecision::kBf16;
    return ModuleSeconds(config, device, is_bf16 ? torch::kBFloat16 : torch::kFloat);
  };
  const double fp32 = seconds(DecodingPrecision::kFp32);
  DecodingPrecision chosen = DecodingPrecision::kFp32;
  double gain = kClearlyFaster;
  for (const auto precision : {DecodingPrecision::kBf16, DecodingPrecision::kInt8}) {
    if (precision == DecodingPrecision::kInt8 && !packs) continue;
    const double its_gain = fp32 / seconds(precision);
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
