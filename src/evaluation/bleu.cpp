#include "evaluation/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "config/config_fields.h"
#include "evaluation/bleu_tokenizer.h"
#include "evaluation/lowercase.h"
#include "evaluation/reference_ngrams.h"
#include "evaluation/word_numbers.h"

namespace wavemt {
namespace {

constexpr size_t kMaxOrder = 4;

// Indices of a segment's statistics. Matches and totals have one entry for each order.
constexpr size_t kHypothesisLength = 0;
constexpr size_t kClosestReferenceLength = 1;
constexpr size_t kFirstMatches = 2;
constexpr size_t kFirstTotals = kFirstMatches + kMaxOrder;
constexpr size_t kNumBleuStatistics = kFirstTotals + kMaxOrder;

class BleuMeter : public SegmentMeter {
 public:
  explicit BleuMeter(const BleuOptions& options) : options_(options), ngrams_(kMaxOrder) {}

  void Measure(const Segment& segment, std::span<double> statistics) override {
    words_.Clear();
    ngrams_.Clear();
    texts_.clear();
    // words_ refers to these texts, so they must not be moved by a reallocation.
    texts_.reserve(segment.references.size() + 1);
    const auto hypothesis_length = static_cast<int64_t>(Read(segment.hypothesis, &hypothesis_));
    int64_t closest = -1;
    for (const std::string_view line : segment.references) {
      const auto length = static_cast<int64_t>(Read(line, &reference_));
      ngrams_.Add(reference_);
      const int64_t difference = std::abs(length - hypothesis_length);
      const int64_t least = std::abs(closest - hypothesis_length);
      if (closest < 0 || difference < least || (difference == least && length < closest)) {
        closest = length;
      }
    }
    std::array<int64_t, kMaxOrder> matches{};
    ngrams_.TakeMatches(hypothesis_, matches);
    statistics[kHypothesisLength] = static_cast<double>(hypothesis_length);
    statistics[kClosestReferenceLength] = static_cast<double>(closest);
    for (size_t n = 0; n < kMaxOrder; ++n) {
      statistics[kFirstMatches + n] = static_cast<double>(matches[n]);
      statistics[kFirstTotals + n] = static_cast<double>(NumNgrams(hypothesis_.size(), n + 1));
    }
  }

 private:
  size_t Read(std::string_view line, std::vector<uint32_t>* numbers) {
    texts_.push_back(options_.lowercase ? TokenizeForBleu(Lowercase(line), options_.tokenizer)
                                        : TokenizeForBleu(line, options_.tokenizer));
    numbers->clear();
    words_.Append(texts_.back(), numbers);
    return numbers->size();
  }

  BleuOptions options_;
  WordNumbers words_;
  ReferenceNgrams ngrams_;
  std::vector<std::string> texts_;
  std::vector<uint32_t> hypothesis_;
  std::vector<uint32_t> reference_;
};

double LogOf(double precision) {
  constexpr double kLogOfZero = -9999999999.0;  // As in sacreBLEU: finite, but its exp() is 0.
  return precision == 0.0 ? kLogOfZero : std::log(precision);
}

std::string_view NameOfSmoothing(BleuSmoothing smoothing) {
  switch (smoothing) {
    case BleuSmoothing::kExp:
      return "exp";
    case BleuSmoothing::kFloor:
      return "floor";
    case BleuSmoothing::kAddK:
      return "add-k";
    case BleuSmoothing::kNone:
      return "none";
  }
  return "";
}

bool TakesValue(BleuSmoothing smoothing) {
  return smoothing == BleuSmoothing::kFloor || smoothing == BleuSmoothing::kAddK;
}

}  // namespace

struct Bleu::Computation {
  double score = 0;
  std::array<double, kMaxOrder> precisions{};  // In percent.
  std::vector<double> matches;                 // Including what smoothing added.
  std::vector<double> totals;
  double brevity_penalty = 1;
};

double Bleu::SmoothValue() const {
  return options_.smooth_value.value_or(options_.smoothing == BleuSmoothing::kFloor ? 0.1 : 1.0);
}

std::vector<SignatureItem> Bleu::SignatureItems() const {
  std::string smoothing(NameOfSmoothing(options_.smoothing));
  if (TakesValue(options_.smoothing)) smoothing += fmt::format("[{:.2f}]", SmoothValue());
  return {{"case", "c", options_.lowercase ? "lc" : "mixed"},
          {"eff", "e", options_.effective_order ? "yes" : "no"},
          {"tok", "tok", std::string(NameOf(options_.tokenizer))},
          {"smooth", "s", smoothing}};
}

size_t Bleu::NumStatistics() const { return kNumBleuStatistics; }

std::unique_ptr<SegmentMeter> Bleu::NewMeter() const {
  return std::make_unique<BleuMeter>(options_);
}

Bleu::Computation Bleu::Compute(std::span<const double> sums, SumType type) const {
  Computation result;
  const auto matches = sums.subspan(kFirstMatches, kMaxOrder);
  const auto totals = sums.subspan(kFirstTotals, kMaxOrder);
  result.matches.assign(matches.begin(), matches.end());
  result.totals.assign(totals.begin(), totals.end());
  const double hypothesis_length = sums[kHypothesisLength];
  const double reference_length = sums[kClosestReferenceLength];
  if (hypothesis_length < reference_length) {
    result.brevity_penalty =
        hypothesis_length > 0 ? std::exp(1 - reference_length / hypothesis_length) : 0.0;
  }
  if (std::all_of(matches.begin(), matches.end(), [](double n) { return n == 0; })) return result;

  const double smooth_value = SmoothValue();
  double halvings = 1;
  size_t orders = kMaxOrder;
  for (size_t n = 0; n < kMaxOrder; ++n) {
    if (options_.smoothing == BleuSmoothing::kAddK && n > 0) {
      for (double* sum : {&result.matches[n], &result.totals[n]}) {
        *sum = (SumAsNumber(*sum, type) + smooth_value).value();
        // sacreBLEU stores the sum in an int64 array, which drops the fraction.
        if (type == SumType::kInt64) *sum = std::trunc(*sum);
      }
    }
    if (result.totals[n] == 0) break;
    if (options_.effective_order) orders = n + 1;
    const NumpyNumber total = SumAsNumber(result.totals[n], type);
    NumpyNumber precision = 0.0;
    if (result.matches[n] != 0) {
      precision = NumpyNumber(100.0) * SumAsNumber(result.matches[n], type) / total;
    } else if (options_.smoothing == BleuSmoothing::kExp) {
      halvings *= 2;
      precision = NumpyNumber(100.0) / (NumpyNumber(halvings) * total);
    } else if (options_.smoothing == BleuSmoothing::kFloor) {
      precision = NumpyNumber(100.0 * smooth_value) / total;
    }
    result.precisions[n] = precision.value();
  }
  double log_sum = 0;
  for (size_t n = 0; n < orders; ++n) log_sum += LogOf(result.precisions[n]);
  result.score = result.brevity_penalty * std::exp(log_sum / static_cast<double>(orders));
  return result;
}

NumpyNumber Bleu::ScoreOf(std::span<const double> sums, SumType type) const {
  return Compute(sums, type).score;
}

Score Bleu::FullScore(std::span<const double> sums) const {
  const Computation computed = Compute(sums, SumType::kPython);
  const auto& p = computed.precisions;
  const auto hypothesis_length = static_cast<int64_t>(sums[kHypothesisLength]);
  const auto reference_length = static_cast<int64_t>(sums[kClosestReferenceLength]);
  const double ratio =
      reference_length == 0 ? 0.0 : sums[kHypothesisLength] / sums[kClosestReferenceLength];
  return {.value = computed.score,
          .details = fmt::format("{:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} "
                                 "hyp_len = {} ref_len = {})",
                                 p[0], p[1], p[2], p[3], computed.brevity_penalty, ratio,
                                 hypothesis_length, reference_length),
          .components = {{"precisions", std::vector<double>(p.begin(), p.end())},
                         {"counts", computed.matches},
                         {"totals", computed.totals},
                         {"brevity_penalty", computed.brevity_penalty},
                         {"hypothesis_length", hypothesis_length},
                         {"reference_length", reference_length}}};
}

double BrevityPenaltyOf(const Score& bleu) {
  for (const auto& [name, number] : bleu.components) {
    if (name == "brevity_penalty") return std::get<double>(number);
  }
  return 1;
}

double LengthRatioOf(double brevity_penalty) {
  // The penalty is exp(1 - references / translations), and 0 if there are no translations.
  return brevity_penalty > 0 ? 1 / (1 - std::log(std::min(brevity_penalty, 1.0))) : 0;
}

}  // namespace wavemt
