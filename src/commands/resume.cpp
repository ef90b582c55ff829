#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "commands/training_command.h"
#include "workflow/training_job.h"

namespace wavemt {
namespace {

struct ResumeOptions {
  std::string run_dir;
  ConfigOverrides overrides;
  TrainingOptions training;
};

int Resume(const ResumeOptions& options) {
  const TrainingJob job =
      PrepareResume(options.run_dir, options.overrides, ResourcesOf(options.training));
  return ReportOutcome(job, RunTraining(job));
}

}  // namespace

void AddResumeCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ResumeOptions>();
  CLI::App* command =
      app.add_subcommand("resume", "Continue a run exactly from its newest checkpoint.");
  command->add_option("RUN_DIR", options->run_dir, "The run's folder.")
      ->required()
      ->type_name("DIR");
  AddSetOption(command);
  AddTrainingOptions(command, &options->training);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Resume(*options);
  });
}

}  // namespace wavemt
