#pragma once

#include <optional>

#include "config/config.h"
#include "evaluation/metric.h"

namespace wavemt {

/// How n-gram orders without a match are smoothed (Chen and Cherry 2014).
enum class BleuSmoothing {
  kExp,    // The k-th order without a match counts 1 / 2^k matches, as in mteval-v13a.pl.
  kFloor,  // They count `smooth_value` matches.
  kAddK,   // `smooth_value` is added to the matches and n-grams of every order above 1.
  kNone,
};

struct BleuOptions {
  EvaluationTokenizer tokenizer = EvaluationTokenizer::k13a;  // Not kAuto.
  bool lowercase = false;
  BleuSmoothing smoothing = BleuSmoothing::kExp;
  std::optional<double> smooth_value = std::nullopt;  // Default: 0.1 for kFloor, 1 for kAddK.
  bool effective_order = false;  // Ignores orders that the hypothesis is too short for.
};

/// BLEU (Papineni et al. 2002) over n-grams of 1 to 4 words.
class Bleu : public Metric {
 public:
  explicit Bleu(const BleuOptions& options) : options_(options) {}

  std::string Name() const override { return "BLEU"; }
  std::vector<SignatureItem> SignatureItems() const override;
  size_t NumStatistics() const override;
  std::unique_ptr<SegmentMeter> NewMeter() const override;
  NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const override;
  Score FullScore(std::span<const double> sums) const override;

 private:
  struct Computation;
  Computation Compute(std::span<const double> sums, SumType type) const;
  double SmoothValue() const;

  BleuOptions options_;
};

/// The brevity penalty in a Bleu::FullScore(), from 0 to 1.
double BrevityPenaltyOf(const Score& bleu);

/// How long the translations are, as a share of their references, by the brevity penalty; 1 if they
/// are at least as long.
double LengthRatioOf(double brevity_penalty);

}  // namespace wavemt
