// Runs the model once, forwards and backwards, on weights and a batch from outside:
//   parity_probe CONFIG.json WEIGHTS.safetensors BATCH.safetensors OUTPUT.safetensors
// CONFIG.json: a config of wavemt; its "model" and the loss of its "training" count. Nothing is
// dropped, whatever it says of dropout.
// BATCH: source [rows, src_len], lengths [rows], target_input and labels [rows, tgt_len], all I64.
// With training.r_drop, the second half of the rows is the second pass: the same labels again.
// OUTPUT: logits, loss (the sum over the labels) and gradient.NAME of it.
#include <cstdio>

#include "checkpoint/safetensors.h"
#include "config/config_reader.h"
#include "model/masks.h"
#include "model/transformer.h"
#include "support/error.h"
#include "training/loss.h"

namespace wavemt {
namespace {

Transformer LoadModel(const ModelConfig& config, const std::string& path) {
  const NamedTensors weights = ReadSafetensors(path);
  const int64_t source = weights.at("source_embedding.weight").size(0);
  const auto target = weights.find("target_embedding.weight");
  Transformer model(
      config, VocabularySizes{.source = source,
                              .target = target == weights.end() ? source : target->second.size(0)});
  CopyTensors(weights, ParametersOf(*model), path);
  return model;
}

void Run(char** arguments) {
  Config config = LoadConfig(arguments[1]);
  config.model.dropout = 0.0;
  Transformer model = LoadModel(config.model, arguments[2]);
  const NamedTensors batch = ReadSafetensors(arguments[3]);
  const torch::Tensor& source = batch.at("source");
  const torch::Tensor& lengths = batch.at("lengths");
  const bool padded = lengths.min().item<int64_t>() < source.size(1);
  const auto mask = padded ? PaddingMask(lengths, source.size(1)) : torch::Tensor();
  const auto memory = model->Encode(source, mask);
  const auto hidden = model->Decode(batch.at("target_input"), memory, mask);
  const auto loss = ProjectedCrossEntropy(hidden, model->Output(), {.labels = batch.at("labels")},
                                          {.label_smoothing = config.training.label_smoothing,
                                           .r_drop_alpha = config.training.r_drop.alpha});
  loss.backward();
  const auto logits = model->Project(hidden);

  NamedTensors output = {{"logits", logits}, {"loss", loss}};
  for (const auto& [name, parameter] : ParametersOf(*model)) {
    output["gradient." + name] = parameter.grad();
  }
  OutputFile file(arguments[4]);
  WriteSafetensors(file, output);
  file.SyncAndClose();
}

}  // namespace
}  // namespace wavemt

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: parity_probe CONFIG.json WEIGHTS BATCH OUTPUT\n", stderr);
    return 2;
  }
  try {
    wavemt::Run(argv);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parity_probe: %s\n", error.what());
    return 1;
  }
}
