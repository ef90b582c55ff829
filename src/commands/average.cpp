#include "workflow/average.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

struct AverageOptions {
  std::vector<std::string> checkpoints;
  std::string output;
};

int Average(const AverageOptions& options) {
  const std::filesystem::path output = options.output;
  if (output.empty()) throw UsageError("--output: is empty; name a folder for the model");
  const size_t count = AverageCheckpoints(options.checkpoints, output);
  spdlog::info("{}: the mean of {} checkpoint{}", options.output, count, count == 1 ? "" : "s");
  return 0;
}

}  // namespace

void AddAverageCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<AverageOptions>();
  CLI::App* command = app.add_subcommand(
      "average", "Average the weights of checkpoints; often better than the last of them.");
  command
      ->add_option(
          "CHECKPOINT", options->checkpoints,
          "Checkpoints, runs (their best), or .safetensors files in runs; of one training.")
      ->required();
  command
      ->add_option(
          "--output", options->output,
          "The folder to make: a model that translate and evaluate take. With a name that "
          "ends in .safetensors the weights alone, a model as long as the file lies in the "
          "run's folder.")
      ->required();
  command->callback([options, exit_code] { *exit_code = Average(*options); });
}

}  // namespace wavemt
