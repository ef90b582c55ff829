#include "commands/scoring.h"

#include <cstdio>

#include "config/config_fields.h"
#include "evaluation/bleu.h"
#include "support/error.h"
#include "support/json.h"
#include "support/suggestion.h"

namespace wavemt {
namespace {

EvaluationTokenizer ParseTokenizer(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, value] : NamesOf(EvaluationTokenizer{})) {
    if (value == EvaluationTokenizer::kAuto) continue;
    if (known == name) return value;
    names.emplace_back(known);
  }
  throw UsageError("--tokenize {}: is unknown{}; use 13a, zh, char or none", name,
                   DidYouMean(name, names));
}

Json ToJson(const BleuScore& bleu) {
  return {{"name", "BLEU"},
          {"score", bleu.score},
          {"signature", bleu.signature},
          {"precisions", bleu.precisions},
          {"counts", bleu.correct},
          {"totals", bleu.total},
          {"brevity_penalty", bleu.brevity_penalty},
          {"hypothesis_length", bleu.hypothesis_length},
          {"reference_length", bleu.reference_length}};
}

}  // namespace

void AddScoringOptions(CLI::App* command, ScoringOptions* options) {
  command->add_option("--metrics", options->metrics, "Comma-separated: bleu.")
      ->capture_default_str();
  command->add_option("--tokenize", options->tokenize,
                      "BLEU's tokenizer: 13a, zh, char or none. Default: by the target language.");
  command->add_flag("--json", options->json, "Print an array with one object a metric.");
}

void PrintScores(const ScoredText& text, const ScoringOptions& options,
                 EvaluationTokenizer default_tokenizer) {
  if (options.metrics != "bleu") {
    throw UsageError("--metrics {}: is unknown; use bleu", options.metrics);
  }
  if (text.hypotheses.size() != text.references.size()) {
    throw UsageError("{} has {} lines but {} has {}; line n of one must belong to line n of the "
                     "other",
                     text.hypotheses_name, text.hypotheses.size(), text.references_name,
                     text.references.size());
  }
  const EvaluationTokenizer tokenizer =
      options.tokenize.empty() ? default_tokenizer : ParseTokenizer(options.tokenize);
  const BleuScore bleu = ComputeBleu(text.hypotheses, text.references, tokenizer);
  const std::string output =
      options.json ? Json::array({ToJson(bleu)}).dump(2) : bleu.Line();
  std::puts(output.c_str());
}

}  // namespace wavemt
