#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "workflow/learn_shortlist.h"

namespace wavemt {
namespace {

struct ShortlistOptions {
  std::string model;
  std::string output;
  Shortlist::Options learning;
};

}  // namespace

void AddShortlistCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ShortlistOptions>();
  CLI::App* command = app.add_subcommand(
      "shortlist",
      "Learn which target tokens go with which source tokens, for a faster translate.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  command->add_option("--output", options->output, "The file to write, for --shortlist.")
      ->required()
      ->check(NotEmpty());
  command
      ->add_option("--per-token", options->learning.per_token,
                   "Target tokens for each source token, the likeliest.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--frequent", options->learning.frequent,
                   "Target tokens for every sentence, the most frequent.")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->callback([options, exit_code] {
    LearnShortlist(options->model, options->output, options->learning);
    *exit_code = 0;
  });
}

}  // namespace wavemt
