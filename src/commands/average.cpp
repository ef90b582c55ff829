#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "commands/commands.h"
#include "commands/loaded_model.h"
#include "commands/text_output.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct AverageOptions {
  std::vector<std::string> checkpoints;
  std::string output;
};

// Summed in double precision: the mean of equal weights is the weights themselves.
NamedTensors Mean(const std::vector<std::string>& checkpoints) {
  NamedTensors mean;
  NamedTensors sum;
  for (const std::string& name : checkpoints) {
    NamedTensors weights = ReadWeights(LocateModel(name).checkpoint);
    if (weights.empty()) throw UsageError("{}: holds no weights", name);
    if (mean.empty()) {
      mean = weights;
      for (auto& [key, tensor] : mean) sum[key] = torch::zeros(tensor.sizes(), torch::kDouble);
    }
    NamedTensors copy;
    for (auto& [key, tensor] : mean) copy[key] = torch::empty_like(tensor);
    CopyTensors(weights, copy, name);
    for (auto& [key, tensor] : copy) sum[key] += tensor;
  }
  for (auto& [key, tensor] : mean) {
    tensor.copy_(sum[key] / static_cast<double>(checkpoints.size()));
  }
  return mean;
}

int Average(const AverageOptions& options) {
  if (fs::path(options.output).extension() != ".safetensors") {
    throw UsageError("--output {}: name a file that ends in .safetensors", options.output);
  }
  RequireOutputFile(options.output);
  const NamedTensors mean = Mean(options.checkpoints);
  StagedFile file(options.output);
  WriteSafetensors(file.contents(), mean, DataChecksum::kInHeader);
  file.Commit();
  spdlog::info("{}: the mean of {} checkpoints", options.output, options.checkpoints.size());
  return 0;
}

}  // namespace

void AddAverageCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<AverageOptions>();
  CLI::App* command = app.add_subcommand(
      "average", "Average the weights of checkpoints; often better than the last of them.");
  command->add_option("CHECKPOINT", options->checkpoints, "Checkpoints of one run.")->required();
  command
      ->add_option("--output", options->output,
                   "The .safetensors file to write; inside the run's folder, translate and "
                   "evaluate take it as a model.")
      ->required();
  command->callback([options, exit_code] { *exit_code = Average(*options); });
}

}  // namespace wavemt
