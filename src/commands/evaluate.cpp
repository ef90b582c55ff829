#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/scoring.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "data/corpus.h"
#include "decoding/translation_losses.h"
#include "decoding/translator.h"
#include "support/error.h"
#include "support/line_reader.h"
#include "support/progress.h"
#include "workflow/compute_device.h"
#include "workflow/languages.h"
#include "workflow/trained_model.h"

namespace wavemt {
namespace {

struct EvaluateOptions {
  std::string model;
  std::string adapter;
  std::string source;
  std::string reference;
  std::optional<std::string> output;
  ConfigOverrides overrides;
  ScoringOptions scoring;
  ComputeOptions compute;
};

struct TestText {
  std::vector<std::string> sources;
  ScoredText scored;  // Without hypotheses at first.
};

TestText ReadTestText(const EvaluateOptions& options, const Config& config) {
  if (options.source.empty() != options.reference.empty()) {
    throw UsageError("--source and --reference go together");
  }
  TestText text;
  if (!options.source.empty()) {
    if (options.source == "-" && options.reference == "-") {
      throw UsageError("-: standard input can be --source or --reference, not both");
    }
    LineReader sources = LineReader::Open(options.source);
    LineReader references = LineReader::Open(options.reference);
    text.scored.hypotheses_name = sources.path().string();
    text.scored.references_name = references.path().string();
    text.sources = ReadLines(std::move(sources));
    text.scored.references = ReadLines(std::move(references));
    if (text.sources.size() != text.scored.references.size()) {
      throw UsageError(
          "{} has {} lines but {} has {}; line n of one must translate line n of the "
          "other",
          text.scored.hypotheses_name, text.sources.size(), text.scored.references_name,
          text.scored.references.size());
    }
  } else {
    if (config.data.test.empty()) {
      throw UsageError("give --source and --reference: the run's config has no data.test");
    }
    for (SentencePair& pair : ReadParallel(config.data.test, "data.test")) {
      text.sources.push_back(std::move(pair.source));
      text.scored.references.push_back(std::move(pair.target));
    }
    text.scored.hypotheses_name = text.scored.references_name = "data.test";
  }
  if (text.sources.empty()) {
    throw UsageError("{}: is empty; there is nothing to evaluate", text.scored.references_name);
  }
  return text;
}

std::vector<std::string> TranslateAll(const std::vector<std::string>& sources,
                                      const TrainedModel& opened) {
  DecodingConfig decoding = opened.config.decoding;
  decoding.n_best = 1;
  const Translator translator = opened.MakeTranslator();
  ProgressBar progress("translating", static_cast<int64_t>(sources.size()));
  const Translator::Request request = {.lines = sources,
                                       .first_line_number = 1,
                                       .progress = [&](int64_t done) { progress.Update(done); }};
  std::vector<std::string> hypotheses;
  TranslationLosses losses;
  for (TranslatedLine& line : translator.Translate(request, decoding)) {
    hypotheses.push_back(std::move(line.best.front().text));
    losses.Add(static_cast<int64_t>(hypotheses.size()), line);
  }
  losses.Warn(opened.config, opened.trained_on);
  return hypotheses;
}

int Evaluate(const EvaluateOptions& options) {
  const torch::Device device = SelectDevice(options.compute);
  const TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  const MetricList metrics = MakeMetrics(options.scoring, BleuTokenizer(opened.config));
  TestText text = ReadTestText(options, opened.config);
  std::optional<TextOutput> output;  // Opened first, so that an error is reported early.
  if (options.output) output.emplace(*options.output);
  text.scored.hypotheses = TranslateAll(text.sources, opened);
  if (output) {
    for (const std::string& line : text.scored.hypotheses) output->Write(line + "\n");
    output->Finish();
  }
  PrintScores(text.scored, metrics, options.scoring);
  return 0;
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Translate a test set and score the translations.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")->required();
  AddAdapterOption(command, &options->adapter);
  command->add_option("--source", options->source,
                      "Text to translate; -: standard input. Default: data.test of the run's "
                      "config.");
  command->add_option("--reference", options->reference,
                      "Its human translation; -: standard input.");
  command->add_option("--output", options->output, "Keep the translations in this file.");
  AddScoringOptions(command, &options->scoring);
  AddDecodingOptions(command, /*with_n_best=*/false);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Evaluate(*options);
  });
}

}  // namespace wavemt
