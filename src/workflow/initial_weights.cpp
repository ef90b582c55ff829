#include "workflow/initial_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "model/adapters/adapter.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"
#include "workflow/tokenizers.h"
#include "workflow/trained_model.h"
#include "workflow/vocabulary_transfer.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

bool IsOfPositions(const std::string& name) { return name.starts_with(kPositionPrefix); }

std::string ListOf(std::string_view what, const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  if (names.empty()) return "";
  const size_t shown = std::min(names.size(), kMost);
  std::string text =
      fmt::format("; {}: {}", what, fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

// Keys whose differences show in the names or shapes of weights, which TakeWeights() lists. Other
// differences of models do not show there.
constexpr std::string_view kShownByWeights[] = {"model.d_model",
                                                "model.ffn_dim",
                                                "model.num_encoder_layers",
                                                "model.num_decoder_layers",
                                                "model.tied_embeddings",
                                                "model.output_bias",
                                                "model.position_encoding."};

void RequireSameMeaning(const Config& before, const Config& now, InitialFit fit,
                        const std::string& origin) {
  const std::span<const std::string_view> may_differ =
      fit == InitialFit::kBase ? std::span<const std::string_view>() : kShownByWeights;
  for (const ModelDifference& difference : DifferencesOfModels(before, now, may_differ)) {
    if (fit == InitialFit::kPartial) {
      spdlog::warn("{}: {} was trained with {}, so its weights mean something else now",
                   difference.key, origin, difference.value_of_a);
      continue;
    }
    throw UsageError("{}: {} does not fit the weights of {}, which were trained with {}{}",
                     difference.key, difference.value_of_b, origin, difference.value_of_a,
                     fit == InitialFit::kWhole
                         ? "; use the same, or take what fits with --init-partial"
                         : "; an adapter needs the model as it is");
  }
}

InitialModel ReadAt(const ModelLocation& location) {
  if (IsFolder(location.checkpoint) && HasAdapter(location.checkpoint)) {
    throw UsageError("{}: holds an adapter, not a model; {}", location.checkpoint.string(),
                     AdviceToMerge(location.checkpoint));
  }
  InitialModel initial;
  initial.origin = OriginOf(location.checkpoint);
  initial.config = LoadRunConfig(location.run);
  initial.tokenizers = LoadRunTokenizers(location.run, initial.config->tokenizer);
  initial.weights = ReadWeights(location.checkpoint);
  return initial;
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

}  // namespace

InitialModel ReadInitialModel(const fs::path& path, const Config& config, InitialFit fit) {
  if (IsFile(path) && path.extension() == ".safetensors" && !FindRunContaining(path)) {
    return {.origin = OriginOf(path), .weights = ReadSafetensors(path)};
  }
  InitialModel initial = ReadModelAt(path, ReadAt);
  RequireSameMeaning(*initial.config, config, fit, initial.origin.checkpoint.string());
  return initial;
}

InitialModel ReadBaseAgain(const WeightsOrigin& origin, const fs::path& moved,
                           const Config& config) {
  const fs::path& path = moved.empty() ? origin.checkpoint : moved;
  if (!IsFolder(path) && !IsFile(path)) {
    throw UsageError(
        "{}: is not there any more; the adapter was trained beside its weights and needs them "
        "(`wavemt train CONFIG --resume --init-from MODEL` names them where they are now)",
        path.string());
  }
  InitialModel initial = ReadInitialModel(path, config, InitialFit::kBase);
  if (initial.origin.digest != origin.digest) {
    throw UsageError("{}: has other weights than those that the adapter was trained beside",
                     initial.origin.checkpoint.string());
  }
  return initial;
}

namespace {

TokenizerPair ChooseTokenizers(const InitialModel& initial, InitialFit fit, Config* config) {
  TokenizerConfig& named = config->tokenizer;
  const std::string origin = initial.origin.checkpoint.string();
  const bool names_none = named.model.empty() && named.source_model.empty();
  if (names_none && !initial.tokenizers) {
    throw UsageError(
        "tokenizer.model: is missing: {} holds weights alone, so name the SentencePiece model that "
        "they were trained with",
        origin);
  }
  if (names_none) {
    named = initial.config->tokenizer;
    return *initial.tokenizers;
  }
  const TokenizerPair tokenizers = MakeTokenizers(*config);
  if (!initial.tokenizers) return tokenizers;
  const bool is_same = tokenizers.source->GivesSameIds(*initial.tokenizers->source) &&
                       tokenizers.target->GivesSameIds(*initial.tokenizers->target);
  if (!is_same && fit == InitialFit::kBase) {
    throw UsageError(
        "tokenizer.{}: is not the tokenizer of {}, whose embeddings an adapter leaves as they are; "
        "leave it out to take that one",
        named.model.empty() ? "source_model" : "model", origin);
  }
  if (is_same && named.normalize_whitespace != initial.config->tokenizer.normalize_whitespace) {
    throw UsageError("tokenizer.normalize_whitespace: {} was trained with {}; use the same", origin,
                     initial.config->tokenizer.normalize_whitespace);
  }
  return tokenizers;
}

}  // namespace

TokenizerPair TakeTokenizers(const InitialModel& initial, InitialFit fit, Config* config) {
  TokenizerPair tokenizers = ChooseTokenizers(initial, fit, config);
  if (config->model.tied_embeddings == TiedEmbeddings::kAll && !tokenizers.one_vocabulary()) {
    throw UsageError(
        "model.tied_embeddings: all needs one vocabulary for both sides, but {} has two; use "
        "decoder or none",
        initial.origin.checkpoint.string());
  }
  return tokenizers;
}

namespace {

// The weights of an adapter's base, as OpenModel() will read them: nothing may be missing or left
// over.
void TakeBase(const InitialModel& initial, Transformer* model) {
  const std::string origin = initial.origin.checkpoint.string();
  NamedTensors targets = StateOf(**model);
  std::erase_if(targets, [](const auto& named) { return IsAdapterWeight(named.first); });
  NamedTensors weights = initial.weights;
  FitPositionTables(*(*model)->position_encoding, origin, &weights);
  CopyTensors(weights, targets, origin);
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
  NamedTensors targets = StateOf(**model);
  std::erase_if(targets, [](const auto& named) { return IsAdapterWeight(named.first); });
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
