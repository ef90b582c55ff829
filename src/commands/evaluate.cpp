#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/held_out_set.h"
#include "commands/scoring.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "data/corpus.h"
#include "decoding/translation_losses.h"
#include "decoding/translator.h"
#include "support/error.h"
#include "support/line_reader.h"
#include "support/memory.h"
#include "support/progress.h"
#include "workflow/compute_device.h"
#include "workflow/languages.h"
#include "workflow/trained_model.h"

namespace wavemt {
namespace {

struct EvaluateOptions {
  std::string model;
  std::string adapter;
  std::string shortlist;
  std::vector<std::string> ensemble;
  std::string source;
  std::string reference;
  std::string test_set;
  std::optional<std::string> output;
  ConfigOverrides overrides;
  ScoringOptions scoring;
  ComputeOptions compute;
};

struct TestText {
  std::string source_prefix;
  std::vector<std::string> sources;
  ScoredText scored;  // Without hypotheses at first.
};

// The text of --source and --reference.
TestText ReadGivenText(const EvaluateOptions& options, const Config& config) {
  if (options.source == "-" && options.reference == "-") {
    throw UsageError("-: standard input can be --source or --reference, not both");
  }
  TestText text;
  text.source_prefix = config.decoding.source_prefix;
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
  return text;
}

TestText ReadTestSet(const Named<HeldOutCorpus>& set, const EvaluateOptions& options,
                     const Config& config) {
  TestText text;
  text.source_prefix = SourcePrefixOfSet(set.corpus, config, options.overrides);
  text.scored.set = set.name;
  text.scored.hypotheses_name = text.scored.references_name = set.Describe("data.test");
  for (SentencePair& pair : ReadParallel(set.corpus.files, text.scored.references_name)) {
    text.sources.push_back(std::move(pair.source));
    text.scored.references.push_back(std::move(pair.target));
  }
  return text;
}

// The sets of data.test that --test-set chooses: one, or all of them.
std::vector<Named<HeldOutCorpus>> ChosenTestSets(const EvaluateOptions& options,
                                                 const Config& config) {
  std::vector<Named<HeldOutCorpus>> sets = config.data.test.All();
  if (options.test_set.empty()) {
    if (sets.empty()) {
      throw UsageError("give --source and --reference: the run's config has no data.test");
    }
    return sets;
  }
  return {ChooseSet({.option = "--test-set", .key = "data.test", .sets = config.data.test},
                    options.test_set)};
}

std::vector<TestText> ReadTestTexts(const EvaluateOptions& options, const Config& config) {
  if (options.source.empty() != options.reference.empty()) {
    throw UsageError("--source and --reference go together");
  }
  std::vector<TestText> texts;
  if (!options.source.empty()) {
    if (!options.test_set.empty()) {
      throw UsageError("--test-set and --source: choose a set of data.test or give another text");
    }
    texts.push_back(ReadGivenText(options, config));
  } else {
    for (const Named<HeldOutCorpus>& set : ChosenTestSets(options, config)) {
      texts.push_back(ReadTestSet(set, options, config));
    }
  }
  for (const TestText& text : texts) {
    if (text.sources.empty()) {
      throw UsageError("{}: is empty; there is nothing to evaluate", text.scored.references_name);
    }
  }
  if (texts.size() > 1 && (options.output || options.scoring.sentence_level)) {
    throw UsageError("{}: is for one text, and data.test has {} sets; choose one with --test-set",
                     options.output ? "--output" : "--sentence-level", texts.size());
  }
  return texts;
}

std::vector<std::string> TranslateAll(const TestText& text, const TrainedModel& opened,
                                      const Translator& translator) {
  const std::vector<std::string>& sources = text.sources;
  DecodingConfig decoding = opened.config.decoding;
  decoding.n_best = 1;
  decoding.source_prefix = text.source_prefix;
  const std::string& set = text.scored.set;
  ProgressBar progress(set.empty() ? "translating" : fmt::format("translating {}", set),
                       static_cast<int64_t>(sources.size()));
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
  ReturnFreedBlocks();
  const torch::Device device = SelectDevice(options.compute);
  TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  const MetricList metrics = MakeMetrics(options.scoring, BleuTokenizer(opened.config));
  std::vector<TestText> texts = ReadTestTexts(options, opened.config);
  std::optional<TextOutput> output;  // Opened first, so that an error is reported early.
  if (options.output) output.emplace(*options.output);
  const Translator translator = opened.TakeTranslator(
      {.shortlist = options.shortlist,
       .others = OpenEnsemble(opened, AsPaths(options.ensemble), options.overrides)});
  std::vector<ScoredText> scored;
  for (TestText& text : texts) {
    text.scored.hypotheses = TranslateAll(text, opened, translator);
    scored.push_back(std::move(text.scored));
  }
  if (output) {
    for (const std::string& line : scored.front().hypotheses) output->Write(line + "\n");
    output->Finish();
  }
  PrintScores(scored, metrics, options.scoring);
  return 0;
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Translate a test set and score the translations.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  AddAdapterOption(command, &options->adapter);
  command->add_option("--source", options->source,
                      "Text to translate; -: standard input. Default: data.test of the run's "
                      "config.");
  command->add_option("--reference", options->reference,
                      "Its human translation; -: standard input.");
  command
      ->add_option("--test-set", options->test_set,
                   "Which of the named sets of data.test. Default: each of them.")
      ->type_name("NAME")
      ->check(NotEmpty());
  command->add_option("--output", options->output, "Keep the translations in this file.");
  AddScoringOptions(command, &options->scoring);
  AddShortlistOption(command, &options->shortlist);
  AddEnsembleOption(command, &options->ensemble);
  AddDecodingOptions(command, /*with_n_best=*/false);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Evaluate(*options);
  });
}

}  // namespace wavemt
