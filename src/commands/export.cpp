#include <map>
#include <memory>
#include <string>

#include "commands/commands.h"
#include "support/logging.h"
#include "workflow/export_model.h"

namespace wavemt {
namespace {

struct ExportOptions {
  std::string model;
  std::string directory;
  ExportFormat format = ExportFormat::kHuggingFace;
};

int Export(const ExportOptions& options) {
  ExportModel(options.model, options.directory, options.format);
  spdlog::info("{}: written", options.directory);
  return 0;
}

}  // namespace

void AddExportCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      app.add_subcommand("export", "Write a model as a folder that another program opens.");
  const std::map<std::string, ExportFormat> formats = {{"huggingface", ExportFormat::kHuggingFace},
                                                       {"ctranslate2", ExportFormat::kCTranslate2},
                                                       {"torch", ExportFormat::kTorch}};
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  command->add_option("DIR", options->directory, "The folder to make.")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--format", options->format,
                   "huggingface: for Python's transformers; ctranslate2: for CTranslate2, whose "
                   "Python package must be installed; torch: the weights with a script for plain "
                   "PyTorch.")
      ->required()
      ->transform(CLI::CheckedTransformer(formats));
  command->callback([options, exit_code] { *exit_code = Export(*options); });
}

}  // namespace wavemt
