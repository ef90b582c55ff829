#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "commands/score_printer.h"
#include "commands/system_scorer.h"
#include "config/config.h"
#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/ter.h"

namespace wavemt {

/// Options that the commands evaluate and metrics share: which metrics, how they are configured,
/// and how scores are printed. Names and defaults are those of sacreBLEU's command line.
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

/// The metrics that the options name, in sacreBLEU's order, then accuracy. Without --tokenize, BLEU
/// uses `default_tokenizer`. A usage error for options that conflict.
MetricList MakeMetrics(const ScoringOptions& options, EvaluationTokenizer default_tokenizer);

/// Prints the corpus scores of `scorer`; with --sentence-level, only completes the output.
void FinishScores(const SystemScorer& scorer, const ScoringOptions& options, ScorePrinter* printer);

/// Translations with their references, and names for both in error messages.
struct ScoredText {
  std::string set;  // Its name among several sets; empty: it is the only one.
  std::vector<std::string> hypotheses;
  std::vector<std::string> references;
  std::string hypotheses_name;
  std::string references_name;
};
/// Scores texts and prints the results to standard output. A usage error if the numbers of lines of
/// one differ. REQUIRES: only one text with --sentence-level
void PrintScores(std::span<const ScoredText> texts, const MetricList& metrics,
                 const ScoringOptions& options);

}  // namespace wavemt
