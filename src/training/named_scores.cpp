#include "training/named_scores.h"

#include "support/error.h"

namespace wavemt {
namespace {

void AddScoresOf(const std::string& key, const ValidationScores& scores,
                 std::vector<NamedScore>* named) {
  const auto add = [&](const char* name, double value, const std::string& signature) {
    named->push_back(
        {.name = fmt::format("{}/{}", key, name), .value = value, .signature = signature});
  };
  add("loss", scores.loss, "");
  add("perplexity", scores.perplexity, "");
  if (scores.bleu) add("bleu", *scores.bleu, scores.bleu_signature);
  if (scores.chrf) add("chrf", *scores.chrf, scores.chrf_signature);
  if (scores.accuracy) add("accuracy", *scores.accuracy, scores.accuracy_signature);
}

}  // namespace

std::vector<NamedScore> NamedScoresOf(const std::vector<SetScores>& sets) {
  std::vector<NamedScore> named;
  if (sets.front().key != kValidKey) AddScoresOf(kValidKey, sets.front().scores, &named);
  for (const SetScores& set : sets) AddScoresOf(set.key, set.scores, &named);
  return named;
}

}  // namespace wavemt
