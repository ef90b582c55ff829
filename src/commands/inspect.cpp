#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/loaded_model.h"
#include "config/config_fields.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"
#include "support/progress.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct InspectOptions {
  std::string model;
  bool json = false;
};

Json Describe(const ModelLocation& location) {
  const Config config = LoadRunConfig(location.run);
  const TokenizerPair tokenizers = LoadRunTokenizers(location.run, config.tokenizer);
  int64_t weights = 0;
  int64_t bytes = 0;
  for (const auto& [name, tensor] : ReadWeights(location.checkpoint)) {
    bytes += static_cast<int64_t>(tensor.nbytes());
    // The encoding's table is computed, not learned.
    if (name != "position_encoding.pe") weights += tensor.numel();
  }
  const ModelConfig& model = config.model;
  Json description = {
      {"run", location.run.string()},
      {"checkpoint", location.checkpoint.string()},
      {"weights", weights},
      {"bytes", bytes},
      {"d_model", model.d_model},
      {"num_heads", model.num_heads},
      {"ffn_dim", model.ffn_dim},
      {"num_encoder_layers", model.num_encoder_layers},
      {"num_decoder_layers", model.num_decoder_layers},
      {"layer_norm", NameOf(model.layer_norm)},
      {"activation", NameOf(model.activation)},
      {"tied_embeddings", NameOf(model.tied_embeddings)},
      {"position_encoding", fmt::format("{}, {} positions", NameOf(model.position_encoding.type),
                                        model.position_encoding.max_length)},
      {"source_vocabulary", tokenizers.source->vocab_size()},
      {"target_vocabulary", tokenizers.target->vocab_size()},
      {"shared_vocabulary", tokenizers.shared()},
      {"normalize_whitespace", config.tokenizer.normalize_whitespace},
  };
  if (const auto profile = LoadRunProfile(location.run)) {
    description["trained_on_pairs"] = profile->pairs;
    description["trained_on_several_sentences"] = profile->several_sentences;
    description["trained_on_longest_source"] = profile->longest_source;
    description["trained_on_longest_target"] = profile->longest_target;
  }
  if (IsFolder(location.checkpoint) && HasCheckpointState(location.checkpoint)) {
    const Json values = ReadCheckpointState(location.checkpoint);
    if (!values.is_object()) {
      throw UsageError("{}: is not the state of a training, an object {{...}}",
                       (location.checkpoint / kStateFile).string());
    }
    description.update(values);
    description["best_metric"] = NameOf(config.training.best_metric);
  }
  return description;
}

int Inspect(const InspectOptions& options) {
  const Json description = ReadModelAt(options.model, Describe);
  if (options.json) {
    std::puts(description.dump(2).c_str());
    return 0;
  }
  for (const auto& [key, value] : description.items()) {
    const std::string text = value.is_string()           ? value.get<std::string>()
                             : value.is_number_integer() ? WithThousands(value.get<int64_t>())
                                                         : value.dump();
    std::printf("%-26s %s\n", key.c_str(), text.c_str());
  }
  return 0;
}

}  // namespace

void AddInspectCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Show what a model is: sizes, steps, scores.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")->required();
  command->add_flag("--json", options->json, "Print an object.");
  command->callback([options, exit_code] { *exit_code = Inspect(*options); });
}

}  // namespace wavemt
