#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/scoring.h"
#include "support/error.h"
#include "support/line_reader.h"

namespace wavemt {
namespace {

struct MetricsOptions {
  std::string hypothesis;
  std::string reference;
  ScoringOptions scoring;
};

int Metrics(const MetricsOptions& options) {
  const ScoredText text = {.hypotheses = ReadLines(options.hypothesis),
                           .references = ReadLines(options.reference),
                           .hypotheses_name = options.hypothesis,
                           .references_name = options.reference};
  if (text.hypotheses.empty()) {
    throw UsageError("{}: is empty; there is nothing to score", options.hypothesis);
  }
  PrintScores(text, options.scoring, EvaluationTokenizer::k13a);
  return 0;
}

}  // namespace

void AddMetricsCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<MetricsOptions>();
  CLI::App* command = app.add_subcommand("metrics", "Score text that is already translated.");
  command->add_option("HYPOTHESIS", options->hypothesis, "The translations, a line each.")
      ->required();
  command->add_option("REFERENCE", options->reference, "Translations by people.")->required();
  AddScoringOptions(command, &options->scoring);
  command->callback([options, exit_code] { *exit_code = Metrics(*options); });
}

}  // namespace wavemt
