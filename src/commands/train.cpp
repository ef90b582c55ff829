#include <fmt/format.h>

#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "commands/training_command.h"
#include "support/logging.h"
#include "workflow/training_job.h"

namespace wavemt {
namespace {

struct TrainOptions {
  std::string config;
  ConfigOverrides overrides;
  TrainingOptions training;
  bool overwrite = false;
  bool resume = false;
  bool dry_run = false;
  bool profile = false;
  std::string init_from;
  bool init_partial = false;
};

int Train(const TrainOptions& options) {
  const NewRunOptions run{.writes = !options.dry_run && !options.profile,
                          .overwrite = options.overwrite,
                          .resume = options.resume,
                          .init_from = options.init_from,
                          .init_partial = options.init_partial};
  TrainingJob job =
      PrepareTraining(options.config, options.overrides, ResourcesOf(options.training), run);
  if (options.dry_run) {
    spdlog::info("dry run: nothing was written; the run would be in {}", job.config.run_dir);
    job.inputs.world->Leave();
    return 0;
  }
  if (options.profile) {
    fmt::print("{}", ProfileTraining(job));
    return 0;
  }
  if (!job.is_resumed()) CreateRun(&job, run);
  return ReportOutcome(job, RunTraining(job));
}

}  // namespace

void AddTrainCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("train", "Train a model from a JSON config.");
  command->add_option("CONFIG", options->config, "The config, for example configs/quickstart.json.")
      ->required();
  AddSetOption(command);
  AddRunDirOption(command);
  AddTrainingOptions(command, &options->training);
  CLI::Option* init_from =
      command
          ->add_option(
              "--init-from", options->init_from,
              "Start from the weights and tokenizer of this run, checkpoint or safetensors "
              "file; the position encoding and the vocabulary may differ.")
          ->check(NotEmpty());
  command
      ->add_flag("--init-partial", options->init_partial,
                 "Take the weights that fit, and draw the others.")
      ->needs(init_from);
  CLI::Option* overwrite =
      command->add_flag("--overwrite", options->overwrite, "Replace an existing run.");
  command
      ->add_flag("--resume", options->resume,
                 "Continue the run if it exists already, for a command that is started again: by "
                 "torchrun after a failure, or by a cluster.")
      ->excludes(overwrite);
  command->add_flag("--dry-run", options->dry_run,
                    "Read and check everything, say how large it is, and write nothing.");
  command->add_flag("--profile", options->profile,
                    "Train a few steps, print where their time goes, and write nothing.");
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Train(*options);
  });
}

}  // namespace wavemt
