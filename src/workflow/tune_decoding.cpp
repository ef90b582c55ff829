#include "workflow/tune_decoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <utility>

#include "checkpoint/run_checksums.h"
#include "config/config_writer.h"
#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/statistics.h"
#include "support/files.h"
#include "support/progress.h"
#include "workflow/run_files.h"

namespace wavemt {
namespace {

template <typename T>
std::vector<T> SortedOnce(std::vector<T> values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

// The translations of a search, and how long it took.
struct FoundLines {
  std::vector<TranslatedLine> lines;
  double seconds = 0;
};

FoundLines SearchUnderEach(const Translator& translator, const ReferenceText& text,
                           const DecodingConfig& decoding, std::span<const double> penalties) {
  ProgressBar progress(fmt::format("translating with beam size {}", decoding.beam_size),
                       static_cast<int64_t>(text.sources.size()));
  const auto start = std::chrono::steady_clock::now();
  FoundLines found;
  found.lines = translator.Translate({.lines = text.sources,
                                      .first_line_number = 1,
                                      .progress = [&](int64_t done) { progress.Update(done); },
                                      .length_penalties = penalties},
                                     decoding);
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return found;
}

}  // namespace

std::vector<TunedSearch> TuneDecoding(const Translator& translator, const ReferenceText& text,
                                      const DecodingConfig& decoding, const SearchGrid& grid,
                                      EvaluationTokenizer bleu_tokenizer) {
  const Bleu bleu({.tokenizer = bleu_tokenizer});
  const Chrf chrf({});
  const std::vector<double> all_penalties = SortedOnce(grid.length_penalties);
  std::vector<TunedSearch> searches;
  for (const int64_t beam_size : SortedOnce(grid.beam_sizes)) {
    const bool is_greedy = beam_size == 1;
    DecodingConfig search = decoding;
    search.beam_size = beam_size;
    search.n_best = 1;
    const std::vector<double> penalties =
        is_greedy ? std::vector<double>{search.length_penalty} : all_penalties;
    FoundLines found = SearchUnderEach(translator, text, search, penalties);
    for (size_t p = 0; p < penalties.size(); ++p) {
      std::vector<std::string> hypotheses;
      hypotheses.reserve(found.lines.size());
      for (TranslatedLine& line : found.lines) {
        hypotheses.push_back(std::move(line.best.at(p).text));
      }
      const Score bleu_score = ScoreCorpus(bleu, hypotheses, text.references);
      searches.push_back({.beam_size = beam_size,
                          .length_penalty = is_greedy ? std::nullopt : std::optional(penalties[p]),
                          .bleu = bleu_score.value,
                          .chrf = ScoreCorpus(chrf, hypotheses, text.references).value,
                          .brevity_penalty = BrevityPenaltyOf(bleu_score),
                          .seconds = found.seconds});
    }
  }
  return searches;
}

double ScoreOf(const TunedSearch& search, TuningMetric metric) {
  return metric == TuningMetric::kBleu ? search.bleu : search.chrf;
}

size_t BestSearch(const std::vector<TunedSearch>& searches, TuningMetric metric) {
  size_t best = 0;
  for (size_t i = 1; i < searches.size(); ++i) {
    const double score = ScoreOf(searches[i], metric);
    const double best_score = ScoreOf(searches[best], metric);
    const bool is_faster = searches[i].beam_size < searches[best].beam_size;
    if (score > best_score || (score == best_score && is_faster)) best = i;
  }
  return best;
}

bool IsSearchOf(const TunedSearch& search, const DecodingConfig& decoding) {
  return search.beam_size == decoding.beam_size &&
         search.length_penalty.value_or(decoding.length_penalty) == decoding.length_penalty;
}

ConfigOverrides OverridesFor(const TunedSearch& search) {
  ConfigOverrides overrides;
  overrides.emplace_back(fmt::format("decoding.beam_size={}", search.beam_size));
  if (search.length_penalty) {
    overrides.emplace_back(fmt::format("decoding.length_penalty={}", *search.length_penalty));
  }
  return overrides;
}

Config WriteRunConfig(const RunDirectory& run, const ConfigOverrides& overrides) {
  Config config = LoadRunConfig(run.path(), overrides);
  const std::string text = ConfigText(config);
  if (ReadFile(run.ConfigPath()) != text) ReplaceRunFile(run.path(), "config.json", text);
  return config;
}

}  // namespace wavemt
