#include "commands/shared_options.h"

namespace wavemt {

void AddComputeOptions(CLI::App* command, ComputeOptions* options) {
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:N.")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads. Default: one a core.");
}

void AddTimeLimitOption(CLI::App* command, double* max_minutes) {
  constexpr double kAYear = 525'600;
  command
      ->add_option("--max-minutes", *max_minutes,
                   "Stop in time to have written a checkpoint this long after the start, for a "
                   "scheduler's limit; the exit code is 0, and `wavemt resume` goes on.")
      ->type_name("MINUTES")
      ->check(CLI::Range(1e-3, kAYear));
}

std::optional<std::chrono::steady_clock::time_point> DeadlineAfter(
    std::chrono::steady_clock::time_point start, double max_minutes) {
  if (max_minutes == 0) return std::nullopt;
  const std::chrono::duration<double, std::ratio<60>> minutes(max_minutes);
  return start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(minutes);
}

void AddSetOption(CLI::App* command, std::vector<std::string>* overrides) {
  // One value each time: a following argument is not another one.
  command
      ->add_option("--set", *overrides,
                   "Override a config key, for example --set training.max_steps=100.")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void AddDecodingOptions(CLI::App* command, bool with_n_best, std::vector<std::string>* overrides) {
  const auto add = [&](const char* option, const char* type, std::string key, const char* doc) {
    command
        ->add_option_function<std::string>(
            option,
            [overrides, key](const std::string& value) { overrides->push_back(key + "=" + value); },
            doc)
        ->type_name(type);
  };
  add("--beam-size", "N", "decoding.beam_size", "Hypotheses kept at each step; 1: greedy.");
  add("--length-penalty", "A", "decoding.length_penalty",
      "Exponent of the length normalization; 0: none.");
  if (with_n_best) {
    add("--n-best", "N", "decoding.n_best",
        "Translations a line, written as: line number ||| translation ||| score.");
  }
}

}  // namespace wavemt
