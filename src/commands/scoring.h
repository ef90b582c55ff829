#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "commands/score_printer.h"
#include "commands/system_scorer.h"
#include "config/config.h"
#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/ter.h"

namespace wavemt {

/// What evaluate and metrics have in common: which metrics, with which options, and how they are
/// printed. The options' names and defaults are those of sacreBLEU's command line.
struct ScoringOptions {
  std::string metrics = "bleu";
  bool sentence_level = false;
  std::string tokenize;
  std::string smooth_method = "exp";
  BleuOptions bleu;
  ChrfOptions chrf;
  TercomOptions ter;
  bool confidence = false;
  int64_t confidence_n = 1000;
  OutputOptions output;
};

void AddScoringOptions(CLI::App* command, ScoringOptions* options);

/// The metrics that the options name, in sacreBLEU's order. BLEU takes `default_tokenizer` where
/// --tokenize was not given. A usage error for what does not go together.
MetricList MakeMetrics(const ScoringOptions& options, EvaluationTokenizer default_tokenizer);

/// Prints the scores of what `scorer` was given; with --sentence-level, ends what was printed.
void FinishScores(const SystemScorer& scorer, const ScoringOptions& options, ScorePrinter* printer);

/// Scores `hypotheses` and writes the results to standard output. A usage error where the numbers
/// of lines differ; the names say what was read.
struct ScoredText {
  std::vector<std::string> hypotheses;
  std::vector<std::string> references;
  std::string hypotheses_name;
  std::string references_name;
};
void PrintScores(const ScoredText& text, const MetricList& metrics, const ScoringOptions& options);

}  // namespace wavemt
