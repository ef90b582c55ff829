#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "commands/commands.h"
#include "commands/corpus_input.h"
#include "commands/corpus_report_json.h"
#include "commands/corpus_report_text.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "config/config_validation.h"
#include "data/cleaning/corpus_filter.h"
#include "data/cleaning/corpus_report.h"
#include "support/decompressor.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/signals.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// A rule that no option speaks of is that of a config or of RecommendedFilter().
struct RuleOptions {
  std::optional<int64_t> max_words;
  std::optional<double> max_length_ratio;
  std::optional<double> min_script_share;
  bool keep_copies = false;
  bool keep_duplicates = false;
  bool keep_bad_encoding = false;
  bool remove_different_numbers = false;

  // Throws a usage error for values that the options' ranges let through.
  void Check() const {
    if (max_length_ratio) RequireLengthRatio(*max_length_ratio, "--max-length-ratio");
    if (min_script_share && std::isnan(*min_script_share)) {
      throw UsageError("--min-script-share: nan is not a share; give a number from 0 to 1");
    }
  }

  PairFilter ApplyTo(PairFilter filter) const {
    filter.max_words = max_words.value_or(filter.max_words);
    filter.max_length_ratio = max_length_ratio.value_or(filter.max_length_ratio);
    filter.min_script_share = min_script_share.value_or(filter.min_script_share);
    if (keep_copies) filter.remove_copies = false;
    if (keep_duplicates) filter.remove_duplicates = false;
    if (keep_bad_encoding) filter.remove_bad_encoding = false;
    if (remove_different_numbers) filter.remove_different_numbers = true;
    return filter;
  }
};

struct CorpusOptions {
  CorpusWords words;
  RuleOptions rules;
  int threads = 0;  // 0: one a core.
  // Of `check`:
  int64_t examples = 3;
  bool json = false;
  // Of `filter`:
  std::vector<std::string> outputs;
  std::string rejected;

  int num_threads() const {
    return threads > 0 ? threads
                       : static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  }
};

int CheckCorpora(const CorpusOptions& options) {
  options.rules.Check();
  TextOutput output("-");
  const CorpusInputs inputs = ReadCorpusInputs(options.words);
  Json reports = Json::array();
  for (const CorpusInput& input : inputs.corpora) {
    const PairFilter filter =
        options.rules.ApplyTo(input.filter == PairFilter() ? RecommendedFilter() : input.filter);
    const CorpusReport report = ReportOn(input.files, inputs.held_out,
                                         {.filter = filter,
                                          .source_language = input.source_language,
                                          .target_language = input.target_language,
                                          .examples = options.examples,
                                          .threads = options.num_threads(),
                                          .label = fmt::format("checking {}", input.name)});
    if (report.pairs == 0) throw UsageError("{}: holds no text", input.name);
    if (options.json) {
      reports.push_back(ToJson(report, input, filter));
    } else {
      const bool is_first = &input == &inputs.corpora.front();
      output.Write((is_first ? "" : "\n") + CorpusReportText(report, input, filter));
      output.Flush();
    }
  }
  if (options.json) output.Write(JsonText(reports));
  output.Finish();
  return 0;
}

// Whether two names mean one file, which need not exist yet.
bool AreSameFile(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  if (a == b || fs::equivalent(a, b, ignored)) return true;
  const auto plain = [&ignored](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  };
  return !plain(a).empty() && plain(a) == plain(b);
}

// The file behind the name of an output.
fs::path PathOfOutput(const std::string& name) { return name == "-" ? "/dev/stdout" : name; }

int ReportStop() {
  spdlog::warn("stopped by signal {}: no file was written", StopSignal());
  return ExitCodeOfSignal(StopSignal());
}

void CheckOutputs(const CorpusOptions& options) {
  if (options.outputs.size() != options.words.files.size()) {
    throw UsageError("--output: {} file(s) for {} file(s) of input; give one for each",
                     options.outputs.size(), options.words.files.size());
  }
  std::vector<std::string> written = options.outputs;
  if (!options.rejected.empty()) written.push_back(options.rejected);
  for (size_t i = 0; i < written.size(); ++i) {
    const fs::path output = PathOfOutput(written[i]);
    const std::string& name = written[i];
    for (const auto* inputs : {&options.words.files, &options.words.held_out}) {
      for (const std::string& input : *inputs) {
        if (AreSameFile(output, input)) {
          throw UsageError("{}: is read and cannot be written as well; choose another name", name);
        }
      }
    }
    for (size_t k = 0; k < i; ++k) {
      // The device that swallows everything may be several outputs.
      if (AreSameFile(output, PathOfOutput(written[k])) && !AreSameFile(output, "/dev/null")) {
        throw UsageError("{}: is given as two outputs; use different files", name);
      }
    }
    if (FormatOfExtension(output.extension().string()) != nullptr) {
      throw UsageError("{}: is written as plain text; leave out {}", name,
                       output.extension().string());
    }
  }
}

// A side as a column of a tsv file.
std::string AsColumn(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

int FilterFiles(const CorpusOptions& options) {
  options.rules.Check();
  if (options.words.files.size() == 1 && IsConfigName(options.words.files.front())) {
    throw UsageError(
        "{}: is a config; give files of text to filter, or write the rules as data.train.filter "
        "into the config",
        options.words.files.front());
  }
  const CorpusInput input = CorpusOfFiles(options.words);
  CheckOutputs(options);
  const std::vector<HeldOutSentences> held_out = ReadHeldOut(options.words);
  // From here on there are unfinished files, which a signal must not leave behind.
  InstallStopSignals();
  std::vector<std::unique_ptr<TextOutput>> outputs;
  for (const std::string& path : options.outputs) {
    outputs.push_back(std::make_unique<TextOutput>(path));
  }
  std::unique_ptr<TextOutput> rejected;
  if (!options.rejected.empty()) rejected = std::make_unique<TextOutput>(options.rejected);
  const FilterCounts counts = FilterCorpus(
      input.files, held_out,
      {.filter = options.rules.ApplyTo(RecommendedFilter()),
       .source_language = input.source_language,
       .target_language = input.target_language,
       .threads = options.num_threads(),
       .label = fmt::format("filtering {}", input.name),
       .should_stop = [] { return StopSignal() != 0; }},
      [&](const CheckedPair& pair, std::optional<PairProblem> reason) {
        if (reason && rejected) {
          rejected->Write(fmt::format("{}\t{}\t{}\t{}\n", NameOf(*reason), pair.line,
                                      AsColumn(pair.text.source), AsColumn(pair.text.target)));
        }
        if (reason) return;
        if (outputs.size() == 1) {
          outputs[0]->Write(pair.tsv_line + "\n");
        } else {
          outputs[0]->Write(pair.text.source + "\n");
          outputs[1]->Write(pair.text.target + "\n");
        }
      });
  if (counts.was_stopped) return ReportStop();
  std::vector<TextOutput*> written;
  written.reserve(outputs.size() + 1);
  for (const auto& output : outputs) written.push_back(output.get());
  if (rejected) written.push_back(rejected.get());
  FinishTogether(written);
  spdlog::info("{}", counts.Summary());
  return 0;
}

void AddTextOptions(CLI::App* command, CorpusOptions* options, const char* files_doc) {
  // An option with several files takes words that were meant as FILES, so that these are missing:
  // RequireTextFiles() explains it.
  command->add_option("FILES", options->words.files, files_doc)->expected(1, 2);
  command->footer("Options that take several files come after FILES.");
  command
      ->add_option("--tsv-columns", options->words.tsv_columns,
                   "The columns of tsv files that hold source and target, counted from 1. Default: "
                   "1,2.")
      ->type_name("COLUMNS")
      ->check(NotEmpty());
  command
      ->add_option("--held-out", options->words.held_out,
                   "SOURCE TARGET or CORPUS.tsv: a text that models are tested on. Pairs with "
                   "a side in this text count as held_out. Can be repeated; comes after FILES.")
      ->expected(1, 2)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(NotEmpty());
  command
      ->add_option("--source-language", options->words.source_language,
                   "A code like en, which says what script to expect. Default: the end of the "
                   "file's name.")
      ->type_name("CODE");
  command
      ->add_option("--target-language", options->words.target_language, "The same for the target.")
      ->type_name("CODE");
  command->add_option("--threads", options->threads, "CPU threads. Default: one a core.")
      ->check(CLI::Range(1, 1024));
}

void AddRuleOptions(CLI::App* command, RuleOptions* rules) {
  constexpr const char* kRules = "Rules";
  constexpr double kMost = 1e9;
  const PairFilter usual = RecommendedFilter();
  command
      ->add_option("--max-words", rules->max_words,
                   fmt::format("The most words of a side; 1 letter of Han, 2 of kana and 4 of "
                               "Thai, Lao, Khmer and Burmese are one. 0: no limit. Default: {}.",
                               usual.max_words))
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}))
      ->group(kRules);
  command
      ->add_option("--max-length-ratio", rules->max_length_ratio,
                   fmt::format("How many times as many words one side may have as the other, plus "
                               "3 words. 0: no limit. Default: {:g}.",
                               usual.max_length_ratio))
      ->check(CLI::Range(0.0, kMost))
      ->group(kRules);
  command
      ->add_option("--min-script-share", rules->min_script_share,
                   fmt::format("The smallest share of a side's letters that must be in the script "
                               "of its language. 0: any. Default: {:g}.",
                               usual.min_script_share))
      ->check(CLI::Range(0.0, 1.0))
      ->group(kRules);
  command
      ->add_flag("--keep-copies", rules->keep_copies,
                 "Keep pairs whose two sides are the same, apart from case and white space.")
      ->group(kRules);
  command
      ->add_flag("--keep-duplicates", rules->keep_duplicates,
                 "Keep pairs that the corpus has had before.")
      ->group(kRules);
  command
      ->add_flag("--keep-bad-encoding", rules->keep_bad_encoding,
                 "Keep pairs with traces of a wrong encoding. Invalid UTF-8 is removed all the "
                 "same, since it cannot be written.")
      ->group(kRules);
  command
      ->add_flag("--remove-different-numbers", rules->remove_different_numbers,
                 "Remove pairs in which a number of two or more digits is on one side only.")
      ->group(kRules);
}

void AddCheck(CLI::App* parent, int* exit_code) {
  auto options = std::make_shared<CorpusOptions>();
  CLI::App* command = parent->add_subcommand("check", "Show what is wrong with parallel text.");
  AddTextOptions(
      command, options.get(),
      "SOURCE TARGET, or one CORPUS.tsv, or a CONFIG.json: each corpus of its data.train, "
      "with data.valid and data.test held out.");
  command->add_option("--examples", options->examples, "Pairs to show of each problem.")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--json", options->json,
                    "Print everything that is known, as a list with an object for each corpus.");
  AddRuleOptions(command, &options->rules);
  command->callback([options, exit_code] { *exit_code = CheckCorpora(*options); });
}

void AddFilter(CLI::App* parent, int* exit_code) {
  auto options = std::make_shared<CorpusOptions>();
  CLI::App* command =
      parent->add_subcommand("filter", "Write the pairs of parallel text that are worth keeping.");
  AddTextOptions(command, options.get(), "SOURCE TARGET, or one CORPUS.tsv.");
  command
      ->add_option("--output", options->outputs,
                   "Files for the pairs that are kept, one for each of FILES, plain text; comes "
                   "after FILES. Lines of a tsv file keep all their columns.")
      ->required()
      ->expected(1, 2)
      ->check(NotEmpty());
  command
      ->add_option("--keep-rejected", options->rejected,
                   "A tsv file for the pairs that are removed: reason, line, source, target.")
      ->check(NotEmpty());
  AddRuleOptions(command, &options->rules);
  command->callback([options, exit_code] { *exit_code = FilterFiles(*options); });
}

}  // namespace

void AddCorpusCommand(CLI::App& app, int* exit_code) {
  CLI::App* parent = app.add_subcommand("corpus", "Check and clean parallel text.");
  parent->require_subcommand(1);
  AddCheck(parent, exit_code);
  AddFilter(parent, exit_code);
}

}  // namespace wavemt
