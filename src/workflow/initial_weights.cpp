#include "workflow/initial_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/adapters/adapter.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/vocabulary_transfer.h"

namespace wavemt {
namespace {

bool IsOfPositions(const std::string& name) { return name.starts_with(kPositionPrefix); }

// The weights and buffers of a model, those of an adapter left out.
NamedTensors StateWithoutAdapter(const TransformerImpl& model) {
  NamedTensors state = StateOf(model);
  std::erase_if(state, [](const auto& named) { return IsAdapterWeight(named.first); });
  return state;
}

std::string ListOf(std::string_view what, const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  if (names.empty()) return "";
  const size_t shown = std::min(names.size(), kMost);
  std::string text =
      fmt::format("; {}: {}", what, fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

// Weights by the names of the new model, with the rows of its vocabularies.
class Transfer {
 public:
  Transfer(const InitialModel& initial, const TokenizerPair& tokenizers)
      : initial_(initial), now_(tokenizers), weights_(initial.weights) {}

  // `targets`: the state of the new model.
  NamedTensors Take(const NamedTensors& targets) {
    // In this order a tied weight is registered under the first name.
    SpreadTied(kSource, kTarget);
    SpreadTied(kTarget, kOutput);
    // The new model does not register what is tied in it too.
    for (const char* name : {kTarget, kOutput}) {
      if (!targets.contains(name) && !initial_.weights.contains(name)) weights_.erase(name);
    }
    if (!initial_.tokenizers) return std::move(weights_);
    const TokenizerPair& before = *initial_.tokenizers;
    Change(kSource, *before.source, *now_.source);
    Change(kTarget, *before.target, *now_.target);
    Change(kOutput, *before.target, *now_.target);
    ChangeBias(*before.target, *now_.target);
    return std::move(weights_);
  }

 private:
  static constexpr const char* kSource = "source_embedding.weight";
  static constexpr const char* kTarget = "target_embedding.weight";
  static constexpr const char* kOutput = "output_projection";

  void SpreadTied(const char* from, const char* to) {
    const auto found = weights_.find(from);
    if (found != weights_.end() && !weights_.contains(to)) weights_[to] = found->second;
  }

  void Change(const char* name, const Tokenizer& before, const Tokenizer& now) {
    const auto found = weights_.find(name);
    const bool is_embedding = found != weights_.end() && found->second.dim() == 2 &&
                              found->second.is_floating_point() &&
                              found->second.size(0) == before.vocab_size();
    if (!is_embedding || before.GivesSameIds(now)) return;
    TransferredRows transferred = TransferRows(found->second, before, now);
    spdlog::info("{}: {} pieces keep their rows, {} new ones get the mean of their parts", name,
                 WithThousands(transferred.kept), WithThousands(transferred.from_parts));
    found->second = std::move(transferred.rows);
  }

  // One number a piece, [target vocabulary].
  void ChangeBias(const Tokenizer& before, const Tokenizer& now) {
    const auto found = weights_.find("output_bias");
    const bool is_bias = found != weights_.end() && found->second.dim() == 1 &&
                         found->second.is_floating_point() &&
                         found->second.size(0) == before.vocab_size();
    if (!is_bias || before.GivesSameIds(now)) return;
    found->second = TransferRows(found->second.unsqueeze(1), before, now).rows.squeeze(1);
  }

  const InitialModel& initial_;
  const TokenizerPair& now_;
  NamedTensors weights_;
};

// Of tables of different length, keeps the positions that both models have.
void CutToCommonLength(PositionEncodingImpl& encoding, NamedTensors* weights,
                       NamedTensors* targets) {
  for (const auto& table : encoding.Tables()) {
    const auto saved = weights->find(std::string(kPositionPrefix) + table.name);
    if (saved == weights->end() || saved->second.dim() != 2) continue;
    torch::Tensor& target = targets->at(saved->first);
    const int64_t both =
        std::min(saved->second.size(table.dimension), target.size(table.dimension));
    saved->second = saved->second.narrow(table.dimension, 0, both);
    target = target.narrow(table.dimension, 0, both);
  }
}

// The names of what two models do not have in common.
struct Misfits {
  std::vector<std::string> missing;
  std::vector<std::string> left_over;
  std::vector<std::string> other_shapes;
  // Of a position encoding, which may differ.
  std::vector<std::string> old_positions;
  std::vector<std::string> new_positions;
};

// Leaves in `weights` and `targets` only what they have in common.
Misfits RemoveMisfits(bool same_positions, NamedTensors* weights, NamedTensors* targets) {
  Misfits misfits;
  const auto fits = [&](const std::string& name) {
    const auto weight = weights->find(name);
    const auto target = targets->find(name);
    return weight != weights->end() && target != targets->end() &&
           weight->second.sizes() == target->second.sizes() &&
           (same_positions || !IsOfPositions(name));
  };
  for (const auto& [name, weight] : *weights) {
    if (fits(name)) continue;
    const auto target = targets->find(name);
    if (IsOfPositions(name)) {
      misfits.old_positions.push_back(name);
    } else if (target == targets->end()) {
      misfits.left_over.push_back(name);
    } else {
      misfits.other_shapes.push_back(
          fmt::format("{} {} instead of {}", name, ShapeText(weight), ShapeText(target->second)));
    }
  }
  for (const auto& [name, target] : *targets) {
    if (fits(name)) continue;
    if (IsOfPositions(name)) {
      misfits.new_positions.push_back(name);
    } else if (!weights->contains(name)) {
      misfits.missing.push_back(name);
    }
  }
  std::vector<std::string> common;
  for (const auto& [name, weight] : *weights) {
    if (fits(name)) common.push_back(name);
  }
  const auto is_common = [&](const auto& named) {
    return std::ranges::binary_search(common, named.first);
  };
  std::erase_if(*weights, std::not_fn(is_common));
  std::erase_if(*targets, std::not_fn(is_common));
  return misfits;
}

// The weights of an adapter's base, as OpenModel() will read them: nothing may be missing or left
// over.
void TakeBase(const InitialModel& initial, Transformer* model) {
  const std::string origin = initial.origin.checkpoint.string();
  NamedTensors weights = initial.weights;
  FitPositionTables(*(*model)->position_encoding, origin, &weights);
  CopyTensors(weights, StateWithoutAdapter(**model), origin);
  spdlog::info("weights: from {}, which the adapter needs as long as it is used", origin);
}

}  // namespace

void TakeWeights(const InitialModel& initial, InitialFit fit, const Config& config,
                 const TokenizerPair& tokenizers, Transformer* model) {
  if (fit == InitialFit::kBase) {
    TakeBase(initial, model);
    return;
  }
  const std::string origin = initial.origin.checkpoint.string();
  const PositionEncodingConfig& now = config.model.position_encoding;
  const PositionEncodingConfig& before =
      initial.config ? initial.config->model.position_encoding : now;
  // Equal shapes are not enough: the buckets of t5 hold other distances then.
  const bool same_positions =
      before.type == now.type && before.t5_max_distance == now.t5_max_distance;
  NamedTensors targets = StateOf(**model);  // No adapter: only a kBase has one.
  const size_t wanted = targets.size();
  NamedTensors weights = Transfer(initial, tokenizers).Take(targets);
  if (same_positions) CutToCommonLength(*(*model)->position_encoding, &weights, &targets);
  const Misfits misfits = RemoveMisfits(same_positions, &weights, &targets);
  const std::string lists = ListOf("missing", misfits.missing) +
                            ListOf("left over", misfits.left_over) +
                            ListOf("of another shape", misfits.other_shapes);
  if (!lists.empty() && fit != InitialFit::kPartial) {
    throw UsageError(
        "{}: its weights do not fit the model of this config{}; --init-partial takes those that "
        "fit",
        origin, lists);
  }
  if (targets.empty()) {
    throw UsageError("{}: none of its weights fits the model of this config{}", origin, lists);
  }
  CopyTensors(weights, targets, origin);
  if (!lists.empty()) {
    spdlog::warn("weights: {} of {} are taken from {}{}", targets.size(), wanted, origin, lists);
  }
  spdlog::info("weights: from {}{}{}{}", origin,
               initial.config
                   ? fmt::format(", which has positions of the kind {}", PositionsText(before))
                   : "",
               ListOf("left behind", misfits.old_positions), ListOf("new", misfits.new_positions));
}

}  // namespace wavemt
