#include "workflow/position_study.h"

#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "config/config_reader.h"
#include "model/positions/make_position_encoding.h"
#include "support/files.h"
#include "support/random.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// An encoding with its weights, and where they come from.
struct StudiedEncoding {
  Config config;
  PositionEncoding encoding{nullptr};
  std::string origin;
  bool is_trained = false;
};

StudiedEncoding EncodingOfConfig(const fs::path& path, const ConfigOverrides& overrides) {
  StudiedEncoding studied;
  studied.config = LoadConfig(path, overrides);
  studied.encoding = MakePositionEncoding(studied.config.model);
  studied.origin = path.string();
  torch::manual_seed(
      DeriveSeed(static_cast<uint64_t>(studied.config.seed), RandomStream::kInitialWeights));
  studied.encoding->InitializeWeights();
  return studied;
}

StudiedEncoding EncodingOfModel(const ModelLocation& location, const ConfigOverrides& overrides) {
  StudiedEncoding studied;
  studied.config = LoadTrainedConfig(location, overrides);
  studied.encoding = MakePositionEncoding(studied.config.model);
  studied.origin = location.checkpoint.string();
  studied.is_trained = true;
  NamedTensors weights;
  for (auto& [name, tensor] : ReadWeights(CheckpointOfWholeModel(location.checkpoint))) {
    if (name.starts_with(kPositionPrefix)) weights.emplace(name, tensor);
  }
  FitPositionTables(*studied.encoding, studied.origin, &weights);
  NamedTensors targets;
  for (auto& [name, tensor] : StateOf(*studied.encoding)) {
    targets.emplace(std::string(kPositionPrefix) + name, tensor);
  }
  CopyTensors(weights, targets, studied.origin);
  return studied;
}

// values: [rows, columns]
NumberGrid Grid(std::string title, std::string column_label, const torch::Tensor& values) {
  const auto flat = values.to(torch::kFloat).contiguous();
  const float* begin = flat.const_data_ptr<float>();
  return {.title = std::move(title),
          .row_label = "position",
          .column_label = std::move(column_label),
          .rows = flat.size(0),
          .columns = flat.size(1),
          .values = std::vector<float>(begin, begin + flat.numel())};
}

// What is added to the embeddings of one stack, [length, d_model].
torch::Tensor AddedIn(const StudiedEncoding& studied, Stack stack, int64_t length) {
  const auto nothing = torch::zeros({1, length, studied.config.model.d_model});
  return studied.encoding.ptr()->AddTo(nothing, TokenPositions{}, stack).squeeze(0);
}

void AddGrids(const StudiedEncoding& studied, int64_t length, PositionStudy* study) {
  const auto source = AddedIn(studied, Stack::kEncoder, length);
  const auto target = AddedIn(studied, Stack::kDecoder, length);
  const auto add = [&](const std::string& of, const torch::Tensor& rows) {
    if (!rows.any().item<bool>()) return;
    study->added.push_back(Grid("added to the embeddings of " + of, "dimension", rows));
    const auto directions = torch::nn::functional::normalize(
        rows, torch::nn::functional::NormalizeFuncOptions().p(2).dim(1));
    study->similarity.push_back(Grid("cosine similarity of the positions of " + of, "position",
                                     torch::mm(directions, directions.t())));
  };
  if (torch::equal(source, target)) {
    add("source and target", source);
  } else {
    add("the source", source);
    add("the target", target);
  }
}

// A tensor's values by distance, [curves, distances], and the names of the curves.
DistanceCurves Curves(std::string title, std::string value_label, const std::string& name,
                      const torch::Tensor& by_distance, int64_t first_distance) {
  DistanceCurves result{.title = std::move(title),
                        .value_label = std::move(value_label),
                        .first_distance = first_distance,
                        .curves = {}};
  for (int64_t i = 0; i < by_distance.size(0); ++i) {
    const auto values = by_distance[i].to(torch::kDouble).contiguous();
    const double* begin = values.const_data_ptr<double>();
    result.curves.push_back({.name = fmt::format("{} {}", name, i + 1),
                             .values = std::vector<double>(begin, begin + values.numel())});
  }
  return result;
}

void AddCurves(const StudiedEncoding& studied, Stack stack, int64_t length, PositionStudy* study) {
  const int64_t reach = length - 1;
  const bool is_encoder = stack == Stack::kEncoder;
  const auto positions = studied.encoding.ptr()->ForAttention(
      {.stack = stack, .first = 0, .queries = length, .options = torch::TensorOptions()});
  const std::string of = is_encoder ? "encoder" : "decoder";
  const int64_t distances = is_encoder ? 2 * reach + 1 : reach + 1;
  if (const auto& bias = positions.score_bias; bias.defined()) {
    // Row 0 holds the distances from 0 up, the last row those from -reach to 0; [heads, distances].
    const auto left = bias[0].select(1, length - 1);
    const auto right = bias[0].select(1, 0).narrow(1, 1, reach);
    study->by_distance.push_back(Curves(of + ": added to the scores of attention", "score", "head",
                                        is_encoder ? torch::cat({left, right}, 1) : left, -reach));
  }
  const auto add_lengths = [&](const char* what, const torch::Tensor& vectors) {
    if (!vectors.defined()) return;
    study->by_distance.push_back(
        Curves(fmt::format("{}: length of the vectors added to {}", of, what), "length", "layer",
               vectors.norm(2, -1).narrow(1, 0, distances), -reach));
  };
  add_lengths("keys", positions.key_vectors);
  add_lengths("values", positions.value_vectors);
  if (positions.rotation.defined() && is_encoder) {
    // The product of a vector, all of whose pairs have the same length, with itself, turned.
    const auto right = torch::real(positions.rotation).mean(1);  // [length]
    const auto both = torch::cat({right.flip(0), right.narrow(0, 1, reach)});
    DistanceCurves curves = Curves("encoder and decoder: how like the query an equal key remains",
                                   "cosine", "", both.unsqueeze(0), -reach);
    curves.curves[0].name = "all pairs";
    study->by_distance.push_back(std::move(curves));
  }
}

}  // namespace

Json ToJson(const PositionStudy& study) {
  return {{"encoding", study.encoding},     {"effect", study.effect}, {"weights", study.weights},
          {"weights_of", study.weights_of}, {"bytes", study.bytes},   {"origin", study.origin}};
}

PositionStudy StudyPositions(const fs::path& path, const ConfigOverrides& overrides,
                             int64_t length) {
  const torch::NoGradGuard no_grad;
  const bool is_config = path.extension() == ".json";
  const StudiedEncoding studied = is_config ? EncodingOfConfig(path, overrides)
                                            : ReadModelAt(path, [&](const ModelLocation& location) {
                                                return EncodingOfModel(location, overrides);
                                              });
  const PositionEncodingConfig& config = studied.config.model.position_encoding;
  PositionStudy study{.origin = studied.origin,
                      .encoding = PositionsText(config),
                      .effect = PositionsEffect(config.type)};
  for (const auto& parameter : studied.encoding->parameters()) study.weights += parameter.numel();
  study.bytes = BytesOf(StateOf(*studied.encoding));
  study.weights_of = "computed";
  if (study.weights > 0) {
    study.weights_of = studied.is_trained ? "as trained" : "random initial values, before training";
  }
  const int64_t shown = std::min(length, config.max_length);
  AddGrids(studied, shown, &study);
  for (const Stack stack : {Stack::kEncoder, Stack::kDecoder}) {
    AddCurves(studied, stack, shown, &study);
  }
  return study;
}

}  // namespace wavemt
