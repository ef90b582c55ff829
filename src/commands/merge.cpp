#include "workflow/merge.h"

#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "support/logging.h"

namespace wavemt {
namespace {

struct MergeOptions {
  std::string model;
  std::string adapter;
  std::string output;
};

int Merge(const MergeOptions& options) {
  MergeAdapter(options.model, options.adapter, options.output);
  spdlog::info("{}: a model with the adapter in its weights", options.output);
  return 0;
}

}  // namespace

void AddMergeCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* command =
      app.add_subcommand("merge", "Make a LoRA adapter part of its model's weights.");
  command
      ->add_option("MODEL", options->model,
                   "A run that trained an adapter, or one of its checkpoints; or the base, with "
                   "--adapter.")
      ->required()
      ->type_name("DIR");
  AddAdapterOption(command, &options->adapter);
  command
      ->add_option("--output", options->output,
                   "The folder to make: a model that translate, evaluate and train --init-from "
                   "take.")
      ->required()
      ->type_name("DIR")
      ->check(NotEmpty());
  command->callback([options, exit_code] { *exit_code = Merge(*options); });
}

}  // namespace wavemt
