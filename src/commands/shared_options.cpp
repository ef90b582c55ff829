#include "commands/shared_options.h"

#include "support/error.h"
#include "support/memory.h"

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

void AddMemoryLimitOption(CLI::App* command, int64_t* bytes) {
  const auto parse = [bytes](const std::string& text) {
    const std::optional<int64_t> size = ParseMemorySize(text);
    if (!size || *size == 0) {
      throw UsageError("--memory-limit {}: no size; write 8GB, 512MB or 2.5GiB", text);
    }
    *bytes = *size;
  };
  command
      ->add_option_function<std::string>(
          "--memory-limit", parse,
          "Memory that the process may take on the CPU, for example 8GB or 512MiB; a batch that "
          "does not fit is done in halves, with the same gradient. Default: no limit.")
      ->type_name("SIZE");
}

std::optional<std::chrono::steady_clock::time_point> DeadlineAfter(
    std::chrono::steady_clock::time_point start, double max_minutes) {
  if (max_minutes == 0) return std::nullopt;
  const std::chrono::duration<double, std::ratio<60>> minutes(max_minutes);
  return start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(minutes);
}

void AddSetOption(CLI::App* command, std::vector<std::string>* overrides) {
  // Added to what other options have set: a plain add_option would empty the list first.
  const auto add = [overrides](const std::vector<std::string>& values) {
    overrides->insert(overrides->end(), values.begin(), values.end());
  };
  // One value each time: a following argument is not another one.
  command
      ->add_option_function<std::vector<std::string>>(
          "--set", add, "Override a config key, for example --set training.max_steps=100.")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void AddDecodingOptions(CLI::App* command, bool with_n_best, std::vector<std::string>* overrides) {
  const auto add = [&](const char* option, const char* type, const std::string& key,
                       const char* doc) {
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
