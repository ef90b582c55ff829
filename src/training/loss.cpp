#include "training/loss.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "model/cpu_bf16.h"
#include "training/cross_entropy_kernel.h"

namespace wavemt {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Small enough for a block of logits to stay in the processor's cache between the product that
// computes it and the products that use it.
constexpr int64_t kBlockBytes = 16 << 20;
// Large enough for a block to keep a whole GPU busy.
constexpr int64_t kGpuBlockBytes = 128 << 20;

bool IsRDrop(const LossOptions& options) { return options.r_drop_alpha > 0; }

// Computes a row with the kernel for its type; bfloat16 needs room for the row in fp32.
class RowLoss {
 public:
  RowLoss(const Tensor& logits, const LossOptions& options)
      : logits_(logits), label_smoothing_(static_cast<float>(options.label_smoothing)) {
    if (logits.scalar_type() == torch::kBFloat16) {
      scratch_.resize(static_cast<size_t>(logits.size(1)));
    }
  }

  float operator()(int64_t row, int64_t label) {
    const int64_t size = logits_.size(1);
    if (scratch_.empty()) {
      return CrossEntropyRow(logits_.data_ptr<float>() + row * size, size, label, label_smoothing_);
    }
    auto* bits = reinterpret_cast<uint16_t*>(logits_.data_ptr<at::BFloat16>());
    return CrossEntropyRow(bits + row * size, scratch_.data(), size, label, label_smoothing_);
  }

 private:
  const Tensor& logits_;
  float label_smoothing_;
  std::vector<float> scratch_;
};

// The same for a row and the next one, which are the two passes of R-Drop at one position.
class RowPairLoss {
 public:
  RowPairLoss(const Tensor& logits, const LossOptions& options)
      : logits_(logits),
        label_smoothing_(static_cast<float>(options.label_smoothing)),
        alpha_(static_cast<float>(options.r_drop_alpha)) {
    const int64_t scratch_rows = logits.scalar_type() == torch::kBFloat16 ? 3 : 1;
    scratch_.resize(static_cast<size_t>(scratch_rows * logits.size(1)));
  }

  float operator()(int64_t row, int64_t label) {
    if (logits_.scalar_type() == torch::kBFloat16) {
      return OfRows(reinterpret_cast<uint16_t*>(logits_.data_ptr<at::BFloat16>()), row, label);
    }
    return OfRows(logits_.data_ptr<float>(), row, label);
  }

 private:
  template <typename T>
  float OfRows(T* values, int64_t row, int64_t label) {
    const int64_t size = logits_.size(1);
    T* first = values + row * size;
    return RDropRows(first, first + size, scratch_.data(), size, label, label_smoothing_, alpha_);
  }

  const Tensor& logits_;
  float label_smoothing_;
  float alpha_;
  std::vector<float> scratch_;
};

// Replaces `logits` ([rows, vocabulary]) with the gradients of the rows' losses; returns these. Of
// the loss of a pair of R-Drop, each row has half.
Tensor LossesAndGradientsOnCpu(const Tensor& logits, const Tensor& labels,
                               const LossOptions& options) {
  auto losses = torch::empty({logits.size(0)}, logits.options().dtype(torch::kFloat));
  auto* loss_values = losses.mutable_data_ptr<float>();
  const auto* label_values = labels.const_data_ptr<int64_t>();
  if (IsRDrop(options)) {
    at::parallel_for(0, logits.size(0) / 2, /*grain_size=*/4, [&](int64_t begin, int64_t end) {
      RowPairLoss pair_loss(logits, options);
      for (int64_t row = 2 * begin; row < 2 * end; row += 2) {
        loss_values[row] = loss_values[row + 1] = pair_loss(row, label_values[row]) / 2;
      }
    });
    return losses;
  }
  at::parallel_for(0, logits.size(0), /*grain_size=*/8, [&](int64_t begin, int64_t end) {
    RowLoss row_loss(logits, options);
    for (int64_t row = begin; row < end; ++row) {
      loss_values[row] = row_loss(row, label_values[row]);
    }
  });
  return losses;
}

// What R-Drop adds to the halved losses of rows and to their gradients.
struct Divergences {
  Tensor losses;     // [rows, 1]
  Tensor gradients;  // [rows, vocabulary]
};

// log_probs: [rows, vocabulary], where a row and the next one are the two passes at one position.
Divergences DivergencesOf(const Tensor& log_probs, double alpha) {
  const Tensor own = log_probs.view({-1, 2, log_probs.size(1)});  // [positions, 2, vocabulary]
  const Tensor probs = own.exp();
  Tensor distances = own - own.flip(1);  // Of each row's log-probabilities to the other's.
  const Tensor divergences = (probs * distances).sum(2, /*keepdim=*/true);  // [positions, 2, 1]
  distances.sub_(divergences).mul_(probs).add_(probs).sub_(probs.flip(1)).mul_(alpha / 4);
  return {.losses = divergences.view({-1, 1}) * (alpha / 4),
          .gradients = distances.view_as(log_probs)};
}

// The same as LossesAndGradientsOnCpu() with LibTorch's operations, for any device.
Tensor LossesAndGradients(Tensor& narrow_logits, const Tensor& labels, const LossOptions& options) {
  const double label_smoothing = options.label_smoothing;
  Tensor logits = narrow_logits.to(torch::kFloat);
  const int64_t vocabulary = logits.size(1);
  const Tensor counts = labels.ne(kIgnoredLabel).unsqueeze(1);     // [rows, 1]
  const Tensor index = labels.clamp_min(0).unsqueeze(1);           // [rows, 1]
  const Tensor log_probs = torch::log_softmax(logits, /*dim=*/1);  // [rows, vocabulary]
  Tensor losses = log_probs.gather(1, index) * (label_smoothing - 1.0) -
                  log_probs.mean(1, /*keepdim=*/true) * label_smoothing;  // [rows, 1]
  const Divergences divergences =
      IsRDrop(options) ? DivergencesOf(log_probs, options.r_drop_alpha) : Divergences();
  logits = log_probs.exp_().sub_(label_smoothing / static_cast<double>(vocabulary));
  logits.scatter_add_(1, index, torch::full_like(index, label_smoothing - 1.0, logits.options()));
  if (IsRDrop(options)) {
    losses = losses / 2 + divergences.losses;
    logits.div_(2).add_(divergences.gradients);
  }
  narrow_logits = logits.mul_(counts).to(narrow_logits.scalar_type());
  return (losses * counts).squeeze(1);
}

// Replaces `logits` with the gradient of the weighted sum of the losses; returns that sum.
// weights: [rows]; undefined: all are 1.
Tensor LossAndGradient(Tensor& logits, const Tensor& labels, const Tensor& weights,
                       const LossOptions& options) {
  Tensor losses = logits.is_cpu() ? LossesAndGradientsOnCpu(logits, labels, options)
                                  : LossesAndGradients(logits, labels, options);
  if (!weights.defined()) return losses.sum();
  logits.mul_(weights.unsqueeze(1));
  return losses.mul_(weights).sum();
}

// The rows that the loss looks at, by their numbers; undefined: all of them, in their order. On a
// GPU, counting the labelled positions would have to wait for the device. labels: [rows]
Tensor RowsOfLoss(const Tensor& labels, const LossOptions& options) {
  const auto labelled = [&](const Tensor& some) {
    return some.ne(kIgnoredLabel).nonzero().squeeze(1);
  };
  if (!IsRDrop(options)) return labels.is_cpu() ? labelled(labels) : Tensor();
  // The two passes of a position side by side, so that they are in the same block.
  const int64_t half = labels.size(0) / 2;
  const Tensor first =
      labels.is_cpu() ? labelled(labels.narrow(0, 0, half)) : torch::arange(half, labels.options());
  return torch::stack({first, first + half}, 1).flatten();
}

// The forward pass also computes the gradients, while each block of logits is available.
struct ProjectedCrossEntropyFunction
    : public torch::autograd::Function<ProjectedCrossEntropyFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& weight,
                        const std::optional<Tensor>& optional_bias, const Tensor& labels,
                        const std::optional<Tensor>& label_weights, const LossOptions& options,
                        torch::ScalarType type, bool needs_gradient, bool needs_weight_gradient) {
    const Tensor bias = optional_bias.value_or(Tensor());
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const int64_t d_model = weight.size(1);
    const int64_t vocabulary = weight.size(0);
    const Tensor all_rows = hidden.reshape({-1, d_model});
    const Tensor all_labels = labels.reshape({-1});
    const Tensor picked = RowsOfLoss(all_labels, options);
    const auto pick = [&](const Tensor& t) {
      return picked.defined() ? t.index_select(0, picked) : t;
    };
    const Tensor row_labels = pick(all_labels);  // [positions]
    const Tensor row_weights =                   // [positions]
        label_weights ? pick(label_weights->reshape({-1})) : Tensor();
    const int64_t positions = row_labels.size(0);
    const bool rounds = hidden.is_cpu() && type == torch::kBFloat16;
    // [positions, or more if rounded, d_model]
    const Tensor rows = rounds ? InRoundedRows(pick(all_rows)) : pick(all_rows).to(type);
    const Tensor projection = weight.to(type);
    const Tensor added = bias.defined() ? bias.to(type) : Tensor();

    auto row_gradients = torch::empty_like(rows);
    // Beside an adapter the weight is frozen, and this is a third of the work.
    auto weight_gradient = needs_weight_gradient ? torch::zeros_like(weight) : Tensor();
    auto bias_gradient = bias.defined() ? torch::zeros_like(bias) : Tensor();
    auto loss = torch::zeros({}, hidden.options().dtype(torch::kFloat));
    const int64_t block_bytes = hidden.is_cpu() ? kBlockBytes : kGpuBlockBytes;
    const int64_t step = IsRDrop(options) ? 2 : 1;
    const int64_t block_rows =
        block_bytes / (vocabulary * static_cast<int64_t>(rows.element_size()));
    const int64_t block = std::max(block_rows / step * step, step);
    Tensor buffer;
    for (int64_t begin = 0; begin < rows.size(0); begin += block) {
      const int64_t size = std::min(block, rows.size(0) - begin);
      const Tensor input = rows.narrow(0, begin, size);
      if (!buffer.defined() || buffer.size(0) != size) {
        buffer = torch::empty({size, vocabulary}, rows.options());
      }
      if (added.defined()) {
        at::addmm_out(buffer, added, input, projection.t());  // [size, vocabulary]
      } else {
        at::mm_out(buffer, input, projection.t());  // [size, vocabulary]
      }
      const int64_t first = std::min(begin, positions);
      const int64_t counted = std::min(positions - first, size);
      Tensor gradient = buffer.narrow(0, 0, counted);
      const Tensor block_labels = row_labels.narrow(0, first, counted);
      const Tensor block_weights =
          row_weights.defined() ? row_weights.narrow(0, first, counted) : Tensor();
      loss += LossAndGradient(gradient, block_labels, block_weights, options);
      if (!needs_gradient) continue;
      if (counted < size) {  // The others are rows that rounding added.
        buffer.narrow(0, counted, size - counted).zero_();
        gradient = buffer;
      }
      Tensor row_gradient = row_gradients.narrow(0, begin, size);
      at::mm_out(row_gradient, gradient, projection);
      if (needs_weight_gradient && type == weight.scalar_type()) {
        weight_gradient.addmm_(gradient.t(), input);
      } else if (needs_weight_gradient) {
        weight_gradient += at::mm(gradient.t(), input);
      }
      if (bias_gradient.defined())
        bias_gradient += gradient.sum(0, /*keepdim=*/false, torch::kFloat);
    }
    if (needs_gradient) {
      Tensor hidden_gradient = row_gradients.narrow(0, 0, positions).to(hidden.scalar_type());
      const bool has_all_in_order =
          !picked.defined() || (!IsRDrop(options) && positions == all_rows.size(0));
      if (!has_all_in_order) {
        hidden_gradient = torch::zeros_like(all_rows).index_copy_(0, picked, hidden_gradient);
      }
      context->saved_data["hidden_gradient"] = hidden_gradient.view(hidden.sizes());
      if (needs_weight_gradient) context->saved_data["weight_gradient"] = weight_gradient;
      if (bias_gradient.defined()) context->saved_data["bias_gradient"] = bias_gradient;
    }
    return loss;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Tensor& scale = gradients[0];
    // These can be changed in place: every backward pass has its own forward pass.
    const auto scaled = [&](const char* name) {
      const auto saved = context->saved_data.find(name);
      return saved == context->saved_data.end() ? Tensor() : saved->second.toTensor().mul_(scale);
    };
    return {scaled("hidden_gradient"),
            scaled("weight_gradient"),
            scaled("bias_gradient"),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor()};
  }
};

}  // namespace

Tensor ProjectedCrossEntropy(const Tensor& hidden, const OutputLayer& output,
                             const LabelledPositions& positions, const LossOptions& options) {
  RECORD_USER_SCOPE("output projection and loss");
  const auto device = hidden.device().type();
  const torch::ScalarType type = at::autocast::is_autocast_enabled(device)
                                     ? at::autocast::get_autocast_dtype(device)
                                     : output.weight.scalar_type();
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(
      c10::DispatchKeySet({c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA}));
  const bool needs_gradient =
      torch::GradMode::is_enabled() && (hidden.requires_grad() || output.weight.requires_grad() ||
                                        (output.bias.defined() && output.bias.requires_grad()));
  // Autograd takes a tensor that may be undefined only as an optional one.
  const auto optional = [](const Tensor& t) {
    return t.defined() ? std::optional(t) : std::nullopt;
  };
  return ProjectedCrossEntropyFunction::apply(
      hidden, output.weight, optional(output.bias), positions.labels, optional(positions.weights),
      options, type, needs_gradient, output.weight.requires_grad());
}

}  // namespace wavemt
