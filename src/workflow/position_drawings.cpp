#include "workflow/position_drawings.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace wavemt {
namespace {

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
torch::Tensor AddedIn(PositionEncoding& encoding, int64_t d_model, Stack stack, int64_t length) {
  const auto nothing = torch::zeros({1, length, d_model});
  return encoding->AddTo(nothing, TokenPositions{}, stack).squeeze(0);
}

void AddGrids(PositionEncoding& encoding, int64_t d_model, int64_t length,
              PositionDrawings* drawings) {
  const auto source = AddedIn(encoding, d_model, Stack::kEncoder, length);
  const auto target = AddedIn(encoding, d_model, Stack::kDecoder, length);
  const auto add = [&](const std::string& of, const torch::Tensor& rows) {
    if (!rows.any().item<bool>()) return;
    drawings->added.push_back(Grid("added to the embeddings of " + of, "dimension", rows));
    const auto directions = torch::nn::functional::normalize(
        rows, torch::nn::functional::NormalizeFuncOptions().p(2).dim(1));
    drawings->similarity.push_back(Grid("cosine similarity of the positions of " + of, "position",
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

void AddCurves(PositionEncoding& encoding, Stack stack, int64_t length,
               PositionDrawings* drawings) {
  const int64_t reach = length - 1;
  const bool is_encoder = stack == Stack::kEncoder;
  const auto positions = encoding->ForAttention(
      {.stack = stack, .first = 0, .queries = length, .options = torch::TensorOptions()});
  const std::string of = is_encoder ? "encoder" : "decoder";
  const int64_t distances = is_encoder ? 2 * reach + 1 : reach + 1;
  if (const auto& bias = positions.score_bias; bias.defined()) {
    // Row 0 holds the distances from 0 up, the last row those from -reach to 0; [heads, distances].
    const auto left = bias[0].select(1, length - 1);
    const auto right = bias[0].select(1, 0).narrow(1, 1, reach);
    drawings->by_distance.push_back(Curves(of + ": added to the scores of attention", "score",
                                           "head", is_encoder ? torch::cat({left, right}, 1) : left,
                                           -reach));
  }
  const auto add_lengths = [&](const char* what, const torch::Tensor& vectors) {
    if (!vectors.defined()) return;
    drawings->by_distance.push_back(
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
    drawings->by_distance.push_back(std::move(curves));
  }
}

}  // namespace

PositionDrawings DrawPositions(PositionEncoding encoding, int64_t d_model, int64_t length) {
  const torch::NoGradGuard no_grad;
  PositionDrawings drawings;
  AddGrids(encoding, d_model, length, &drawings);
  for (const Stack stack : {Stack::kEncoder, Stack::kDecoder}) {
    AddCurves(encoding, stack, length, &drawings);
  }
  return drawings;
}

}  // namespace wavemt
