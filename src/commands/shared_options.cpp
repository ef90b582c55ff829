#include "commands/shared_options.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace wavemt {

void AddComputeOptions(CLI::App* command, ComputeOptions* options) {
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:N.")
      ->type_name("{auto,cpu,cuda,cuda:N}")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads. Default: one a core.");
}

namespace {

constexpr const char* kSet = "--set";

// Options that are short names of config keys.
struct ShortName {
  const char* option;
  const char* key;
};
constexpr ShortName kShortNames[] = {{"--run-dir", "run_dir"},
                                     {"--source-prefix", "decoding.source_prefix"},
                                     {"--beam-size", "decoding.beam_size"},
                                     {"--length-penalty", "decoding.length_penalty"},
                                     {"--coverage-penalty", "decoding.coverage_penalty"},
                                     {"--n-best", "decoding.n_best"},
                                     {"--min-output-length", "decoding.min_output_length"},
                                     {"--max-output-length", "decoding.max_output_length"},
                                     {"--min-output-ratio", "decoding.min_output_ratio"},
                                     {"--max-output-ratio", "decoding.max_output_ratio"},
                                     {"--no-repeat-ngram-size", "decoding.no_repeat_ngram_size"},
                                     {"--sampling", "decoding.sampling"},
                                     {"--temperature", "decoding.temperature"},
                                     {"--top-k", "decoding.top_k"},
                                     {"--top-p", "decoding.top_p"},
                                     {"--seed", "decoding.seed"},
                                     {"--mbr", "decoding.mbr_samples"},
                                     {"--mbr-metric", "decoding.mbr_metric"},
                                     {"--ensemble-mean", "decoding.ensemble_mean"},
                                     {"--attention-layer", "decoding.attention_layer"}};

// TypedOverrides() reads the values from the option.
void AddOverride(CLI::App* command, const char* option, const char* type, const char* doc) {
  command
      ->add_option_function<std::vector<std::string>>(
          option, [](const auto&) {}, doc)
      ->type_name(type)
      // Each occurrence takes exactly one value; a following argument is not another one.
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

CLI::Validator NotEmpty() {
  return CLI::Validator(
      [](std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, "");
}

void AddAdapterOption(CLI::App* command, std::string* adapter) {
  command
      ->add_option("--adapter", *adapter,
                   "An adapter for MODEL: the run that trained it, one of its checkpoints, or a "
                   "folder with its two files.")
      ->type_name("DIR")
      ->check(NotEmpty());
}

void AddShortlistOption(CLI::App* command, std::string* shortlist) {
  command
      ->add_option("--shortlist", *shortlist,
                   "Choose only among the target tokens that this file of `wavemt shortlist` gives "
                   "for the source's tokens: faster, on the CPU.")
      ->check(NotEmpty());
}

void AddSetOption(CLI::App* command) {
  AddOverride(command, kSet, "KEY=VALUE",
              "Override a config key, for example --set training.max_steps=100.");
}

void AddRunDirOption(CLI::App* command) {
  AddOverride(command, "--run-dir", "DIR",
              "Folder to write the run to. Default: runs/ and the config's name.");
}

void AddSourcePrefixOption(CLI::App* command) {
  AddOverride(command, "--source-prefix", "TAGS",
              "Tags before each sentence, such as <2de>, as the model was trained with.");
}

void AddDecodingOptions(CLI::App* command, bool with_n_best) {
  AddSourcePrefixOption(command);
  AddOverride(command, "--beam-size", "N", "Hypotheses kept at each step; 1: greedy.");
  AddOverride(command, "--length-penalty", "A", "Exponent of the length normalization; 0: none.");
  if (with_n_best) {
    AddOverride(command, "--n-best", "N",
                "Translations a line, written as: line number ||| translation ||| score. None is "
                "written twice, so that there may be fewer; with --sampling, N draws.");
  }
  AddOverride(command, "--coverage-penalty", "B",
              "Rank translations lower that leave source tokens unattended; 0: do not.");
  AddOverride(command, "--min-output-length", "N",
              "Shortest translation of a sentence, in tokens.");
  AddOverride(command, "--max-output-length", "N", "Longest translation of a sentence, in tokens.");
  AddOverride(command, "--min-output-ratio", "R",
              "Shortest, as a multiple of the source's tokens.");
  AddOverride(command, "--max-output-ratio", "R", "Longest, as a multiple of the source's tokens.");
  AddOverride(command, "--no-repeat-ngram-size", "N",
              "No sequence of N tokens occurs twice in a translation.");
  // TypedOverrides() reads the flag.
  command->add_flag_function(
      "--sampling", [](int64_t) {}, "Draw translations from the model's distribution.");
  AddOverride(command, "--temperature", "T",
              "In sampling: below 1 the likely tokens gain, above 1 the others.");
  AddOverride(command, "--top-k", "K", "In sampling: draw from the K likeliest tokens only.");
  AddOverride(command, "--top-p", "P",
              "In sampling: draw from the likeliest tokens that have this probability together.");
  AddOverride(command, "--seed", "N", "Seed of the draws.");
  AddOverride(command, "--mbr", "N",
              "Minimum Bayes risk decoding: draw N translations of each sentence and take the one "
              "that is most like the others.");
  AddOverride(command, "--mbr-metric", "METRIC", "What likeness is measured with: chrf or bleu.");
  AddOverride(
      command, "--attention-layer", "L",
      "The decoder layer that alignments and the coverage penalty look at, from 1. Default: "
      "the last but one.");
}

void AddEnsembleOption(CLI::App* command, std::vector<std::string>* models) {
  command
      ->add_option("--ensemble", *models,
                   "Other models that translate together with MODEL: runs or checkpoints with the "
                   "same tokenizers.")
      ->type_name("DIR")
      ->check(NotEmpty());
  AddOverride(command, "--ensemble-mean", "WHAT",
              "What the models of an ensemble average: probabilities or log_probabilities.");
}

std::string_view KeyOfOption(std::string_view option) {
  const auto* const short_name =
      std::ranges::find_if(kShortNames, [&](const ShortName& s) { return s.option == option; });
  return short_name == std::end(kShortNames) ? "" : short_name->key;
}

std::vector<std::filesystem::path> AsPaths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

ConfigOverrides TypedOverrides(const CLI::App& command) {
  ConfigOverrides overrides;
  std::map<const CLI::Option*, size_t> seen;  // The number of values of each option used so far.
  for (const CLI::Option* option : command.parse_order()) {
    const std::string name = option->get_name();
    const auto* const short_name =
        std::ranges::find_if(kShortNames, [&](const ShortName& s) { return s.option == name; });
    const bool is_short = short_name != std::end(kShortNames);
    if (!is_short && name != kSet) continue;
    const std::string value = option->results().at(seen[option]++);
    if (is_short) {
      overrides.emplace_back(fmt::format("{}={}", short_name->key, value),
                             fmt::format("{} {}", name, value));
    } else {
      overrides.emplace_back(value);
    }
  }
  return overrides;
}

bool IsTyped(const ConfigOverrides& overrides, std::string_view key) {
  return std::ranges::any_of(overrides,
                             [key](const ConfigOverride& typed) { return typed.key() == key; });
}

}  // namespace wavemt
