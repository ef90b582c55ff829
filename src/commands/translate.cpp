#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/line_input.h"
#include "commands/shared_options.h"
#include "commands/target_prefixes.h"
#include "commands/text_output.h"
#include "commands/translation_lines.h"
#include "decoding/translation_losses.h"
#include "decoding/translator.h"
#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/progress.h"
#include "workflow/compute_device.h"
#include "workflow/trained_model.h"

namespace wavemt {
namespace {

struct TranslateOptions {
  std::string model;
  std::string adapter;
  std::string input = "-";
  std::string output = "-";
  std::string invalid_utf8 = "refuse";
  std::string shortlist;
  std::vector<std::string> ensemble;
  std::string target_prefix;
  std::string alignments;
  std::string constraints;
  bool json = false;
  bool scores = false;
  int64_t max_wait_ms = LineInput::kBriefly.count();
  ConfigOverrides overrides;
  ComputeOptions compute;
};

void RefuseConstraints(const TranslateOptions& options) {
  if (options.constraints.empty()) return;
  throw UsageError(
      "--constraints {}: wavemt cannot force words into the middle of a translation; "
      "--target-prefix gives how each one must begin",
      options.constraints);
}

bool IsSameOutput(const std::string& a, const std::string& b) {
  if (a == "-" || b == "-") return a == b;
  std::error_code ignored;
  return std::filesystem::weakly_canonical(a, ignored) ==
         std::filesystem::weakly_canonical(b, ignored);
}

// The files that translations go to, in step with each other.
class Outputs {
 public:
  Outputs(const TranslateOptions& options, const TrainedModel& opened, std::string input)
      : format_{.json = options.json,
                // Who asks for an n-best list gets that format even if n is 1.
                .n_best = opened.config.decoding.n_best > 1 ||
                          IsTyped(options.overrides, "decoding.n_best"),
                .scores = options.scores},
        tokenizers_(opened.tokenizers),
        input_(std::move(input)),
        translations_(options.output) {
    if (options.alignments.empty()) return;
    if (IsSameOutput(options.alignments, options.output)) {
      throw UsageError("--alignments {}: is where the translations go; name another file",
                       options.alignments);
    }
    alignments_.emplace(options.alignments);
  }

  void Write(const TranslatedLine& line, const std::string& source, int64_t line_number) {
    const LineOrigin origin{.file = input_, .line = line_number, .source = source};
    translations_.Write(FormatLines(line, origin, tokenizers_, format_));
    if (alignments_) alignments_->Write(AlignmentLines(line));
  }
  void Flush() {
    translations_.Flush();
    if (alignments_) alignments_->Flush();
  }
  void Finish() {
    translations_.Finish();
    if (alignments_) alignments_->Finish();
  }
  bool WantsAttention() const { return format_.json || alignments_; }

 private:
  LineFormat format_;
  TokenizerPair tokenizers_;
  std::string input_;  // The name of the input.
  TextOutput translations_;
  std::optional<TextOutput> alignments_;
};

int Translate(const TranslateOptions& options) {
  // Enough lines to sort by length, but few enough for output to appear steadily.
  constexpr size_t kPortion = 4096;
  RefuseConstraints(options);
  LineInput input(options.input,
                  options.invalid_utf8 == "replace" ? InvalidUtf8::kReplace : InvalidUtf8::kRefuse);
  std::optional<TargetPrefixes> prefixes;
  if (!options.target_prefix.empty()) prefixes.emplace(options.target_prefix, options.input);
  ReturnFreedBlocks();
  const torch::Device device = SelectDevice(options.compute);
  TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  Outputs outputs(options, opened, input.name());
  const Translator translator = opened.TakeTranslator(
      {.shortlist = options.shortlist,
       .others = OpenEnsemble(opened, AsPaths(options.ensemble), options.overrides)});
  TranslationLosses losses;
  ProgressBar progress("translating", 0);
  int64_t done = 0;
  while (true) {
    const std::vector<std::string> lines =
        input.NextPortion(kPortion, std::chrono::milliseconds(options.max_wait_ms));
    if (lines.empty()) break;
    std::vector<std::string> beginnings;
    if (prefixes) beginnings = prefixes->Next(lines.size());
    const auto translations = translator.Translate(
        {.lines = lines,
         .first_line_number = done + 1,
         .progress = [&](int64_t lines_done) { progress.Update(done + lines_done, "lines"); },
         .target_prefixes = beginnings,
         .watches_attention = outputs.WantsAttention()},
        opened.config.decoding);
    for (size_t i = 0; i < lines.size(); ++i) {
      outputs.Write(translations[i], lines[i], ++done);
      losses.Add(done, translations[i]);
    }
    outputs.Flush();
  }
  if (prefixes) prefixes->Finish();
  outputs.Finish();
  losses.Warn(opened.config, opened.trained_on);
  if (input.lines_replaced() > 0) {
    spdlog::warn("{} lines held invalid UTF-8, which was replaced by U+FFFD",
                 WithThousands(input.lines_replaced()));
  }
  return 0;
}

}  // namespace

void AddTranslateCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<TranslateOptions>();
  CLI::App* command = app.add_subcommand("translate", "Translate text, line by line.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  AddAdapterOption(command, &options->adapter);
  command->add_option("--input", options->input, "Text to translate; -: standard input.")
      ->capture_default_str();
  command->add_option("--output", options->output, "Where to write; -: standard output.")
      ->capture_default_str();
  command
      ->add_option("--invalid-utf8", options->invalid_utf8,
                   "A line that is not UTF-8: refuse it and stop after the lines before it, or "
                   "replace what is wrong in it by U+FFFD.")
      ->check(CLI::IsMember({"refuse", "replace"}))
      ->capture_default_str();
  command
      ->add_option("--max-wait-ms", options->max_wait_ms,
                   "From a pipe or a terminal: how long a line waits for others, to be translated "
                   "together with them.")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  command->add_flag("--scores", options->scores,
                    "Write each line as: translation ||| score (its log-probability in nats, "
                    "normalized by length).");
  command->add_flag("--json", options->json,
                    "Write a JSON object for each translation: text, pieces, score, alignment, and "
                    "the file and line that it came from.");
  command
      ->add_option("--alignments", options->alignments,
                   "Also write which source token each target token belongs to, by the model's "
                   "attention, in Pharaoh's format: 0-0 2-1. Tokens are counted from 0, as --json "
                   "shows them.")
      ->check(NotEmpty());
  command
      ->add_option("--target-prefix", options->target_prefix,
                   "What each translation must begin with: a file with as many lines as the input; "
                   "a blank line leaves the translation free.")
      ->check(NotEmpty());
  // Users of other programs ask for it; the answer should say what there is.
  command
      ->add_option("--constraints,--lexical-constraints,--force-words", options->constraints,
                   "Not available.")
      ->group("");
  AddShortlistOption(command, &options->shortlist);
  AddEnsembleOption(command, &options->ensemble);
  AddDecodingOptions(command, /*with_n_best=*/true);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Translate(*options);
  });
}

}  // namespace wavemt
