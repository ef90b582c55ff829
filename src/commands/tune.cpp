#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/held_out_set.h"
#include "commands/shared_options.h"
#include "data/corpus.h"
#include "decoding/translator.h"
#include "support/error.h"
#include "support/json.h"
#include "support/logging.h"
#include "support/memory.h"
#include "training/validation.h"
#include "workflow/compute_device.h"
#include "workflow/languages.h"
#include "workflow/run_files.h"
#include "workflow/trained_model.h"
#include "workflow/training_text.h"
#include "workflow/tune_decoding.h"

namespace wavemt {
namespace {

struct TuneOptions {
  std::string model;
  std::string adapter;
  std::string shortlist;
  std::string beam_sizes = "1,2,4,5,8";
  std::string length_penalties = "0,0.5,1,1.5,2,3";
  std::string metric = "bleu";
  std::string source;
  std::string reference;
  std::string valid_set;
  bool json = false;
  bool write = false;
  ConfigOverrides overrides;
  ComputeOptions compute;
};

TuningMetric MetricOf(const TuneOptions& options) {
  return options.metric == "chrf" ? TuningMetric::kChrf : TuningMetric::kBleu;
}

// The items of "1,2,4" as settings of `key`, each as if it alone had been typed.
ConfigOverrides SettingsOf(const std::string& list, const char* option, const char* key) {
  ConfigOverrides settings;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string item = list.substr(begin, end - begin);
    if (item.find_first_not_of(' ') == std::string::npos) {
      throw UsageError("{} \"{}\": has an empty item; write numbers with commas between them",
                       option, list);
    }
    settings.emplace_back(fmt::format("{}={}", key, item), fmt::format("{} {}", option, item));
    begin = end + 1;
  }
  return settings;
}

// The config is read with each setting, which must suit the rest of it: `translate` refuses what
// does not, so there is no use in finding it. What is written goes into the run's config as it is
// there, without what was typed.
SearchGrid ReadGrid(const TuneOptions& options, const std::filesystem::path& run) {
  SearchGrid grid;
  const auto load = [&](const ConfigOverride& setting) {
    if (options.write) LoadRunConfig(run, {setting});
    ConfigOverrides overrides = options.overrides;
    overrides.push_back(setting);
    return LoadRunConfig(run, overrides).decoding;
  };
  for (const auto& setting : SettingsOf(options.beam_sizes, "--beam-sizes", "decoding.beam_size")) {
    grid.beam_sizes.push_back(load(setting).beam_size);
  }
  for (const auto& setting :
       SettingsOf(options.length_penalties, "--length-penalties", "decoding.length_penalty")) {
    grid.length_penalties.push_back(load(setting).length_penalty);
  }
  return grid;
}

// The set of data.valid that --valid-set chooses, by default the first.
Named<HeldOutCorpus> ChosenValidSet(const TuneOptions& options, const Config& config) {
  const std::vector<Named<HeldOutCorpus>> sets = config.data.valid.All();
  if (sets.empty()) {
    throw UsageError("{}: its config has no data.valid; give --source and --reference",
                     options.model);
  }
  if (options.valid_set.empty()) return sets.front();
  return ChooseSet({.option = "--valid-set", .key = "data.valid", .sets = config.data.valid},
                   options.valid_set);
}

// The text to tune on, with its prefix in `decoding`.
ReferenceText ReadTuningText(const TuneOptions& options, const Config& config,
                             DecodingConfig* decoding) {
  if (options.source.empty() != options.reference.empty()) {
    throw UsageError("--source and --reference go together");
  }
  ParallelFiles files;
  std::string name;
  if (!options.source.empty()) {
    if (!options.valid_set.empty()) {
      throw UsageError("--valid-set and --source: choose a set of data.valid or give another text");
    }
    files.source = {options.source};
    files.target = {options.reference};
    name = options.source;
  } else {
    const Named<HeldOutCorpus> set = ChosenValidSet(options, config);
    files = set.corpus.files;
    name = set.Describe("data.valid");
    decoding->source_prefix = SourcePrefixOfSet(set.corpus, config, options.overrides);
  }
  ReferenceText text;
  for (SentencePair& pair : ReadParallel(files, name)) {
    text.sources.push_back(std::move(pair.source));
    text.references.push_back(std::move(pair.target));
  }
  if (text.sources.empty()) throw UsageError("{}: is empty; there is nothing to tune on", name);
  return text;
}

// Locks the run that --write changes, before anything that takes long.
std::optional<RunDirectory> OpenToWrite(const TuneOptions& options) {
  if (!options.write) return std::nullopt;
  if (!options.adapter.empty()) {
    throw UsageError(
        "--write and --adapter: what suits the adapter would be written into its base's run; name "
        "the adapter's own run as MODEL");
  }
  if (!RunDirectory::IsAt(options.model)) {
    throw UsageError("--write: {} is not a run's folder, and only a run has a config to write into",
                     options.model);
  }
  return RunDirectory::OpenForTraining(options.model);
}

// "--beam-size 5 --length-penalty 1.5"
std::string OptionsFor(const TunedSearch& search) {
  std::string text = fmt::format("--beam-size {}", search.beam_size);
  if (search.length_penalty) text += fmt::format(" --length-penalty {}", *search.length_penalty);
  return text;
}

// What was measured, and how one speaks of it.
struct TuningResult {
  std::vector<TunedSearch> searches;
  size_t best = 0;
  TuningMetric metric = TuningMetric::kBleu;
  DecodingConfig present;  // The setting before.
};

void PrintJson(const TuningResult& result) {
  Json rows = Json::array();
  for (size_t i = 0; i < result.searches.size(); ++i) {
    const TunedSearch& search = result.searches[i];
    rows.push_back(
        {{"beam_size", search.beam_size},
         {"length_penalty", search.length_penalty ? Json(*search.length_penalty) : Json(nullptr)},
         {"bleu", search.bleu},
         {"chrf", search.chrf},
         {"brevity_penalty", search.brevity_penalty},
         {"seconds", search.seconds},
         {"present", IsSearchOf(search, result.present)},
         {"chosen", i == result.best}});
  }
  fmt::print("{}", JsonText(rows));
}

// Which options to use, and what they gain.
std::string Advice(const TuningResult& result) {
  const TunedSearch& best = result.searches[result.best];
  const char* metric = result.metric == TuningMetric::kBleu ? "BLEU" : "chrF";
  const double score = ScoreOf(best, result.metric);
  const auto present = std::ranges::find_if(result.searches, [&](const TunedSearch& search) {
    return IsSearchOf(search, result.present);
  });
  if (present == result.searches.end()) {
    return fmt::format("Best {}: {} ({:.2f}); the present setting is not among these.", metric,
                       OptionsFor(best), score);
  }
  const double present_score = ScoreOf(*present, result.metric);
  if (&*present == &best || present_score == score) {
    return fmt::format("Best {}: {} ({:.2f}); the present setting is as good.", metric,
                       OptionsFor(best), score);
  }
  return fmt::format("Best {}: {} ({:.2f}; {:.2f} with the present setting).", metric,
                     OptionsFor(best), score, present_score);
}

void PrintTable(const TuningResult& result) {
  fmt::print("  beam_size  length_penalty    BLEU    chrF  brevity_penalty  seconds\n");
  for (size_t i = 0; i < result.searches.size(); ++i) {
    const TunedSearch& search = result.searches[i];
    const std::string penalty =
        search.length_penalty ? fmt::format("{}", *search.length_penalty) : std::string("any");
    fmt::print("{} {:>9}  {:>14}  {:>6.2f}  {:>6.2f}  {:>15.3f}  {:>7.1f}{}\n",
               i == result.best ? '*' : ' ', search.beam_size, penalty, search.bleu, search.chrf,
               search.brevity_penalty, search.seconds,
               IsSearchOf(search, result.present) ? "  (present)" : "");
  }
  fmt::print("\n{}\n", Advice(result));
}

void WriteChoice(const TunedSearch& chosen, const RunDirectory& run) {
  const auto before = LengthPenaltyOfScores(LoadRunConfig(run.path()));
  const Config config = WriteRunConfig(run, OverridesFor(chosen));
  spdlog::info("{}: decoding.beam_size = {} and decoding.length_penalty = {} are written",
               run.ConfigPath().string(), config.decoding.beam_size,
               config.decoding.length_penalty);
  if (before == LengthPenaltyOfScores(config)) return;
  spdlog::warn(
      "if {} is resumed, validations search with this length penalty too, and the best score "
      "begins anew",
      run.path().string());
}

int Tune(const TuneOptions& options) {
  const std::optional<RunDirectory> run = OpenToWrite(options);
  ReturnFreedBlocks();
  const torch::Device device = SelectDevice(options.compute);
  TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  if (opened.config.decoding.draws()) {
    throw UsageError(
        "{}: its decoding draws translations (sampling or mbr_samples), which have neither a beam "
        "nor a length penalty; switch that off with --set",
        options.model);
  }
  const SearchGrid grid = ReadGrid(options, opened.run);
  TuningResult result{
      .searches = {}, .best = 0, .metric = MetricOf(options), .present = opened.config.decoding};
  DecodingConfig decoding = opened.config.decoding;
  const ReferenceText text = ReadTuningText(options, opened.config, &decoding);
  const EvaluationTokenizer tokenizer = BleuTokenizer(opened.config);
  const Translator translator =
      opened.TakeTranslator({.shortlist = options.shortlist, .others = {}});
  result.searches = TuneDecoding(translator, text, decoding, grid, tokenizer);
  result.best = BestSearch(result.searches, result.metric);
  if (options.json) {
    PrintJson(result);
  } else {
    PrintTable(result);
  }
  if (run) WriteChoice(result.searches[result.best], *run);
  return 0;
}

}  // namespace

void AddTuneCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<TuneOptions>();
  CLI::App* command = app.add_subcommand(
      "tune", "Find the beam size and length penalty that translate held-out text best.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  AddAdapterOption(command, &options->adapter);
  command
      ->add_option("--beam-sizes", options->beam_sizes,
                   "Beam sizes to try, with commas between them; a search for each.")
      ->type_name("LIST")
      ->capture_default_str();
  command
      ->add_option("--length-penalties", options->length_penalties,
                   "Length penalties to try with each beam size; they take no further searches.")
      ->type_name("LIST")
      ->capture_default_str();
  command->add_option("--metric", options->metric, "What decides: bleu or chrf.")
      ->check(CLI::IsMember({"bleu", "chrf"}))
      ->capture_default_str();
  command->add_option("--source", options->source,
                      "Text to translate. Default: data.valid of the run's config.");
  command->add_option("--reference", options->reference, "Its human translation.");
  command
      ->add_option("--valid-set", options->valid_set,
                   "Which of the named sets of data.valid. Default: the first.")
      ->type_name("NAME")
      ->check(NotEmpty());
  command->add_flag("--json", options->json, "Print an array with an object for each search.");
  command->add_flag("--write", options->write,
                    "Write the choice into the run's config, so that translate, evaluate and serve "
                    "use it.");
  AddShortlistOption(command, &options->shortlist);
  AddSourcePrefixOption(command);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Tune(*options);
  });
}

}  // namespace wavemt
