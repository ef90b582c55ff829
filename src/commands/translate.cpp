#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/line_input.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "decoding/translation_losses.h"
#include "decoding/translator.h"
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
  int64_t max_wait_ms = LineInput::kBriefly.count();
  ConfigOverrides overrides;
  ComputeOptions compute;
};

// An n-best list has Moses's format: number ||| translation ||| score.
std::string Format(const std::vector<Translation>& translations, int64_t line_index, bool n_best) {
  if (!n_best) return translations.front().text + "\n";
  std::string text;
  for (const Translation& translation : translations) {
    text += fmt::format("{} ||| {} ||| {:.6f}\n", line_index, translation.text, translation.score);
  }
  return text;
}

int Translate(const TranslateOptions& options) {
  // Enough lines to sort by length, but few enough for output to appear steadily.
  constexpr size_t kPortion = 4096;
  LineInput input(options.input,
                  options.invalid_utf8 == "replace" ? InvalidUtf8::kReplace : InvalidUtf8::kRefuse);
  ReturnFreedBlocks();
  const torch::Device device = SelectDevice(options.compute);
  TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  TextOutput output(options.output);
  const Translator translator = opened.TakeTranslator(options.shortlist);
  TranslationLosses losses;
  ProgressBar progress("translating", 0);
  // If the user asked for an n-best list, the output has that format even if n is 1.
  const bool n_best = opened.config.decoding.n_best > 1 ||
                      std::ranges::any_of(options.overrides, [](const ConfigOverride& typed) {
                        return typed.key() == "decoding.n_best";
                      });
  int64_t done = 0;
  while (true) {
    const std::vector<std::string> lines =
        input.NextPortion(kPortion, std::chrono::milliseconds(options.max_wait_ms));
    if (lines.empty()) break;
    const auto translations = translator.Translate(
        {.lines = lines,
         .first_line_number = done + 1,
         .progress = [&](int64_t lines_done) { progress.Update(done + lines_done, "lines"); }},
        opened.config.decoding);
    for (const TranslatedLine& line : translations) {
      output.Write(Format(line.best, done, n_best));
      losses.Add(++done, line);
    }
    output.Flush();
  }
  output.Finish();
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
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")->required();
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
  AddShortlistOption(command, &options->shortlist);
  AddDecodingOptions(command, /*with_n_best=*/true);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = Translate(*options);
  });
}

}  // namespace wavemt
