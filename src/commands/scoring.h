#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "config/config.h"

namespace wavemt {

/// What evaluate and metrics have in common: which metrics, and how they are printed.
struct ScoringOptions {
  std::string metrics = "bleu";
  std::string tokenize;
  bool json = false;
};

void AddScoringOptions(CLI::App* command, ScoringOptions* options);

/// Scores `hypotheses` and writes the results to standard output. `default_tokenizer` is used
/// where --tokenize was not given. A usage error where the numbers of lines differ; `origin` names
/// what they were read from.
struct ScoredText {
  std::vector<std::string> hypotheses;
  std::vector<std::string> references;
  std::string hypotheses_name;
  std::string references_name;
};
void PrintScores(const ScoredText& text, const ScoringOptions& options,
                 EvaluationTokenizer default_tokenizer);

}  // namespace wavemt
