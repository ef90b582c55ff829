#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/scoring.h"
#include "commands/segment_reader.h"
#include "support/error.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

struct MetricsOptions {
  std::vector<std::string> files;
  std::vector<std::string> references;  // From --reference.
  bool variable_references = false;
  bool paired_bootstrap = false;
  bool paired_randomization = false;
  int64_t paired_bootstrap_n = 1000;
  int64_t paired_randomization_n = 10000;
  ScoringOptions scoring;

  bool paired() const { return paired_bootstrap || paired_randomization; }
};

void ReadSystem(const SegmentReader::Files& files, SystemScorer* scorer,
                ScorePrinter* sentences = nullptr) {
  SegmentReader reader(files);
  bool any = false;
  while (true) {
    const std::vector<Segment>& segments = reader.Next();
    if (segments.empty()) break;
    any = true;
    scorer->Add(segments, sentences);
  }
  if (!any) throw UsageError("{}: is empty; there is nothing to score", files.hypotheses);
}

void CompareWithBaseline(const SystemScorer& baseline, const SystemScorer& system,
                         const MetricsOptions& options, bool is_baseline,
                         std::vector<MetricResult>* results) {
  const Resampling resampling = ResamplingFromEnvironment(
      options.paired_bootstrap ? options.paired_bootstrap_n : options.paired_randomization_n);
  for (size_t i = 0; i < results->size(); ++i) {
    MetricResult& result = (*results)[i];
    const Statistics& reference = baseline.statistics()[i];
    const Statistics& own = system.statistics()[i];
    result.context.seed = resampling.seed_name;
    (options.paired_bootstrap ? result.context.bootstrap_samples
                              : result.context.randomization_trials) = resampling.options.samples;
    if (is_baseline) {
      if (options.paired_bootstrap) {
        result.interval =
            EstimateIntervalOfArray(Bootstrap(*result.metric, own, resampling.options));
      }
      continue;
    }
    const Comparison comparison =
        options.paired_bootstrap
            ? PairedBootstrap(*result.metric, reference, own, resampling.options)
            : PairedApproximateRandomization(*result.metric, reference, own, resampling.options);
    result.p_value = comparison.p_value;
    result.interval = comparison.interval;
  }
}

void ScoreSystems(const MetricsOptions& options, const MetricList& metrics) {
  std::vector<SystemResults> systems;
  std::vector<SystemScorer> scorers;
  for (const std::string& file : options.files) {
    scorers.emplace_back(metrics, /*keep_statistics=*/options.paired());
    ReadSystem({.hypotheses = file,
                .references = options.references,
                .variable_references = options.variable_references},
               &scorers.back());
    systems.push_back({.system = file, .results = scorers.back().Results()});
  }
  if (options.paired()) {
    for (size_t i = 0; i < systems.size(); ++i) {
      CompareWithBaseline(scorers.front(), scorers[i], options, i == 0, &systems[i].results);
    }
    systems.front().system = "Baseline: " + systems.front().system;
  }
  ScorePrinter(options.scoring.output).PrintSystems(systems);
}

void ScoreOneSystem(const SegmentReader::Files& files, const ScoringOptions& options,
                    const MetricList& metrics) {
  SystemScorer scorer(metrics, /*keep_statistics=*/options.confidence);
  ScorePrinter printer(options.output);
  ReadSystem(files, &scorer, options.sentence_level ? &printer : nullptr);
  FinishScores(scorer, options, &printer);
}

void CheckSystems(const MetricsOptions& options) {
  if (options.scoring.sentence_level) {
    throw UsageError("--sentence-level: scores one system; {} were given", options.files.size());
  }
  if (options.scoring.confidence) {
    throw UsageError(
        "--confidence: is for one system; compare several with --paired-bootstrap or "
        "--paired-approximate-randomization");
  }
  for (size_t i = 0; i < options.files.size(); ++i) {
    if (std::count(options.files.begin(), options.files.end(), options.files[i]) > 1) {
      throw UsageError("{}: appears twice among the systems", options.files[i]);
    }
  }
  for (const std::string& reference : options.references) {
    std::error_code ignored;
    if (reference == "-" || fs::is_fifo(reference, ignored)) {
      throw UsageError("--reference {}: is read once for each system; write it to a file",
                       reference);
    }
  }
}

int Metrics(const MetricsOptions& options) {
  if (options.paired_bootstrap && options.paired_randomization) {
    throw UsageError("--paired-bootstrap and --paired-approximate-randomization: choose one");
  }
  const MetricList metrics = MakeMetrics(options.scoring, EvaluationTokenizer::k13a);
  SegmentReader::Files files = {.hypotheses = options.files.front(),
                                .references = options.references,
                                .variable_references = options.variable_references};
  if (options.references.empty()) {
    if (options.paired()) {
      throw UsageError("paired tests compare systems: wavemt metrics A B --reference R");
    }
    if (options.files.size() < 2) {
      throw UsageError("give a file of translations and one or more of references");
    }
    files.references.assign(options.files.begin() + 1, options.files.end());
    ScoreOneSystem(files, options.scoring, metrics);
  } else if (options.files.size() == 1) {
    if (options.paired()) throw UsageError("paired tests need two systems or more");
    ScoreOneSystem(files, options.scoring, metrics);
  } else {
    CheckSystems(options);
    ScoreSystems(options, metrics);
  }
  return 0;
}

}  // namespace

void AddMetricsCommand(CLI::App& app, int* exit_code) {
  constexpr const char* kSystemsGroup = "Several systems";
  constexpr int64_t kMaxSamples = 100'000'000;
  auto options = std::make_shared<MetricsOptions>();
  CLI::App* command = app.add_subcommand("metrics", "Score text that is already translated.");
  command
      ->add_option("FILES", options->files,
                   "HYPOTHESIS REFERENCE...: the translations, then one or more files of "
                   "translations by people, a line each (\"-\": standard input). With "
                   "--reference: HYPOTHESIS..., several systems.")
      ->required();
  command->add_flag("--variable-references", options->variable_references,
                    "Not every line has every reference: an empty line in a file of references is "
                    "none (sacreBLEU's None) instead of an empty one.");
  AddScoringOptions(command, &options->scoring);
  command
      ->add_option("--reference", options->references,
                   "Translations by people; every FILE is a "
                   "system then, the first one the baseline of paired tests.")
      ->group(kSystemsGroup);
  command
      ->add_flag("--paired-bootstrap,--paired-bs", options->paired_bootstrap,
                 "Compare with the baseline by bootstrap resampling.")
      ->group(kSystemsGroup);
  command
      ->add_flag("--paired-approximate-randomization,--paired-ar", options->paired_randomization,
                 "Compare with the baseline by approximate randomization.")
      ->group(kSystemsGroup);
  command->add_option("--paired-bs-n", options->paired_bootstrap_n, "Bootstrap samples.")
      ->check(CLI::Range(int64_t{1}, kMaxSamples))
      ->capture_default_str()
      ->group(kSystemsGroup);
  command->add_option("--paired-ar-n", options->paired_randomization_n, "Trials.")
      ->check(CLI::Range(int64_t{1}, kMaxSamples))
      ->capture_default_str()
      ->group(kSystemsGroup);
  command->callback([options, exit_code] { *exit_code = Metrics(*options); });
}

}  // namespace wavemt
