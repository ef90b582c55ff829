#include <memory>
#include <string>

#include "commands/commands.h"
#include "support/logging.h"
#include "workflow/import_model.h"

namespace wavemt {
namespace {

struct ImportOptions {
  std::string folder;
  std::string format;
  std::string run;
};

int Import(const ImportOptions& options) {
  ImportHuggingFace(options.folder, options.run);
  spdlog::info("{}: written; `wavemt train CONFIG --init-from {}` trains it further", options.run,
               options.run);
  return 0;
}

}  // namespace

void AddImportCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command =
      app.add_subcommand("import", "Make a run of a model that another program saved.");
  command->add_option("DIR", options->folder, "The folder of the model.")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--format", options->format,
                   "huggingface: a MarianMTModel of Python's transformers, for example an OPUS-MT "
                   "model.")
      ->required()
      ->check(CLI::IsMember({"huggingface"}));
  command->add_option("--run-dir", options->run, "The run's folder to make.")
      ->required()
      ->type_name("DIR");
  command->callback([options, exit_code] { *exit_code = Import(*options); });
}

}  // namespace wavemt
