#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "config/config.h"

namespace wavemt {

/// BLEU of a corpus with its parts.
struct BleuScore {
  static constexpr size_t kMaxOrder = 4;

  double score = 0;                              // 0 to 100.
  std::array<double, kMaxOrder> precisions{};    // Of n-grams of 1 to 4 words, in percent.
  std::array<int64_t, kMaxOrder> correct{};      // Matched n-grams.
  std::array<int64_t, kMaxOrder> total{};        // N-grams of the hypotheses.
  double brevity_penalty = 1;
  int64_t hypothesis_length = 0;  // Words.
  int64_t reference_length = 0;
  std::string signature;

  /// "BLEU|SIGNATURE = 29.6 60.1/35.2/22.9/15.3 (BP = 1.000 ratio = 1.012 hyp_len = ...)"
  std::string Line() const;
};

/// BLEU of Papineni et al. 2002 with exponential smoothing, exactly as sacreBLEU's corpus_score()
/// computes it with its defaults. REQUIRES: as many references as hypotheses, well-formed UTF-8,
/// a tokenizer that is not kAuto.
BleuScore ComputeBleu(std::span<const std::string> hypotheses,
                      std::span<const std::string> references, EvaluationTokenizer tokenizer);

}  // namespace wavemt
