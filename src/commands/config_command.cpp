#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "data/corpus.h"
#include "support/files.h"

namespace wavemt {
namespace {

struct ConfigOptions {
  std::string config;
  ConfigOverrides overrides;
};

void RequireFiles(const ParallelFiles& files) {
  for (const auto* list : {&files.source, &files.target, &files.tsv}) {
    for (const auto& path : *list) RequireCorpusFile(path);
  }
}

int Check(const ConfigOptions& options) {
  const Config config = LoadConfig(options.config, options.overrides);
  for (const auto& item : config.data.train.All()) {
    RequireFiles(item.corpus.files);
    for (const auto& path : item.corpus.weights) RequireCorpusFile(path);
  }
  for (const auto* sets : {&config.data.valid, &config.data.test}) {
    for (const auto& set : sets->All()) RequireFiles(set.corpus.files);
  }
  const TokenizerConfig& tokenizer = config.tokenizer;
  for (const auto& path : {tokenizer.model, tokenizer.source_model, tokenizer.target_model}) {
    if (!path.empty()) RequireReadableFile(path);
  }
  std::printf("%s: good\n", options.config.c_str());
  return 0;
}

int Show(const ConfigOptions& options) {
  std::fputs(ConfigText(LoadConfig(options.config, options.overrides)).c_str(), stdout);
  return 0;
}

CLI::App* AddWithConfig(CLI::App* parent, const char* name, const char* doc,
                        const std::shared_ptr<ConfigOptions>& options) {
  CLI::App* command = parent->add_subcommand(name, doc);
  command->add_option("CONFIG", options->config, "A config file.")->required();
  AddSetOption(command);
  // Runs before the command's callback.
  command->parse_complete_callback(
      [options, command] { options->overrides = TypedOverrides(*command); });
  return command;
}

}  // namespace

void AddConfigCommand(CLI::App& app, int* exit_code) {
  CLI::App* parent = app.add_subcommand("config", "Look at configs.");
  parent->require_subcommand(1);
  auto options = std::make_shared<ConfigOptions>();
  AddWithConfig(parent, "show", "Print the full config, defaults included.", options)
      ->callback([options, exit_code] { *exit_code = Show(*options); });
  AddWithConfig(parent, "check", "Check a config and that its files are there.", options)
      ->callback([options, exit_code] { *exit_code = Check(*options); });
  parent->add_subcommand("schema", "Print the JSON Schema of configs, for editors.")
      ->callback([exit_code] {
        std::puts(ConfigSchema().dump(2).c_str());
        *exit_code = 0;
      });
}

}  // namespace wavemt
