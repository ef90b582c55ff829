#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "config/config_overrides.h"
#include "decoding/translator.h"
#include "workflow/training_text.h"

namespace wavemt {

/// The searches that TuneDecoding() tries: each beam size with each length penalty.
struct SearchGrid {
  std::vector<int64_t> beam_sizes;
  std::vector<double> length_penalties;
};

/// The scores of the translations that a search finds.
struct TunedSearch {
  int64_t beam_size = 1;
  /// Nothing for a greedy search: it finds one translation, whatever the penalty.
  std::optional<double> length_penalty{};
  double bleu = 0;
  double chrf = 0;
  double brevity_penalty = 1;
  double seconds = 0;  // Of the search, which all length penalties of a beam size share.
};

enum class TuningMetric { kBleu, kChrf };

/// Translates `text` with each beam size and scores the translations under each length penalty,
/// smaller beams and penalties first. These are the scores of searches, not estimates: the penalty
/// only ranks what a search has found (see BestUnderEach() in hypothesis.h), in each segment of a
/// line, so a beam size takes one search. A wider beam finds others, so its lists do not stand for
/// those of a narrower one. `decoding` says the rest of the search; it does not draw.
std::vector<TunedSearch> TuneDecoding(const Translator& translator, const ReferenceText& text,
                                      const DecodingConfig& decoding, const SearchGrid& grid,
                                      EvaluationTokenizer bleu_tokenizer);

double ScoreOf(const TunedSearch& search, TuningMetric metric);

/// The index of the search with the best score; of equal ones, that with the smaller beam, which is
/// faster, and then the first. REQUIRES: there are any.
size_t BestSearch(const std::vector<TunedSearch>& searches, TuningMetric metric);

/// Whether `decoding` asks for this search.
bool IsSearchOf(const TunedSearch& search, const DecodingConfig& decoding);

/// The keys of the config that ask for this search. A greedy one leaves decoding.length_penalty as
/// it is.
ConfigOverrides OverridesFor(const TunedSearch& search);

/// Changes the config of a run that this process holds the lock of, as `wavemt resume --set` would,
/// and returns the new one.
Config WriteRunConfig(const RunDirectory& run, const ConfigOverrides& overrides);

}  // namespace wavemt
