#include "evaluation/chrf.h"

#include <algorithm>
#include <cmath>

#include "evaluation/lowercase.h"
#include "evaluation/reference_ngrams.h"
#include "evaluation/word_numbers.h"
#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

// Indices of the statistics of one order. The character orders come before the word orders.
constexpr size_t kHypothesisNgrams = 0;
constexpr size_t kReferenceNgrams = 1;
constexpr size_t kMatchingNgrams = 2;
constexpr size_t kStatisticsOfOrder = 3;

size_t NumOrders(const ChrfOptions& options) {
  return static_cast<size_t>(options.char_order) + static_cast<size_t>(options.word_order);
}

NumpyNumber FScore(std::span<const double> sums, SumType type, const ChrfOptions& options) {
  constexpr double kEpsilon = 1e-16;
  const double factor = static_cast<double>(options.beta) * options.beta;
  NumpyNumber f_sum = 0.0;
  NumpyNumber precision_sum = 0.0;
  NumpyNumber recall_sum = 0.0;
  double effective_orders = 0;
  for (size_t i = 0; i < sums.size(); i += kStatisticsOfOrder) {
    const NumpyNumber hypothesis = SumAsNumber(sums[i + kHypothesisNgrams], type);
    const NumpyNumber reference = SumAsNumber(sums[i + kReferenceNgrams], type);
    const NumpyNumber matches = SumAsNumber(sums[i + kMatchingNgrams], type);
    const NumpyNumber precision = hypothesis.value() > 0 ? matches / hypothesis : kEpsilon;
    const NumpyNumber recall = reference.value() > 0 ? matches / reference : kEpsilon;
    const NumpyNumber denominator = NumpyNumber(factor) * precision + recall;
    f_sum = f_sum + (denominator.value() > 0
                         ? NumpyNumber(1 + factor) * precision * recall / denominator
                         : NumpyNumber(kEpsilon));
    if (hypothesis.value() > 0 && reference.value() > 0) {
      precision_sum = precision_sum + precision;
      recall_sum = recall_sum + recall;
      ++effective_orders;
    }
  }
  if (options.eps_smoothing) {
    return NumpyNumber(100.0) * f_sum / static_cast<double>(NumOrders(options));
  }
  if (effective_orders == 0) return 0.0;
  const NumpyNumber precision = precision_sum / effective_orders;
  const NumpyNumber recall = recall_sum / effective_orders;
  if ((precision + recall).value() == 0) return 0.0;
  return NumpyNumber(100.0) * (NumpyNumber(1 + factor) * precision * recall /
                               (NumpyNumber(factor) * precision + recall));
}

bool IsAsciiPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// A line as numbers: its characters, and its words with leading or trailing punctuation split off.
// Holds the text to which the word numbers refer.
class ChrfLine {
 public:
  explicit ChrfLine(const ChrfOptions& options) : options_(options) {}

  void Read(std::string_view line, WordNumbers* words) {
    text_ = options_.lowercase ? Lowercase(line) : std::string(line);
    characters_.clear();
    ForEachCharacter(text_, [&](char32_t character, std::string_view) {
      if (options_.whitespace || !IsPythonSpace(character)) characters_.push_back(character);
    });
    words_.clear();
    if (options_.word_order == 0) return;
    SplitOnSpace(text_, &split_);
    for (const std::string_view word : split_) ReadWord(word, words);
  }

  const std::vector<uint32_t>& characters() const { return characters_; }
  const std::vector<uint32_t>& words() const { return words_; }

 private:
  // As in chrF++.py, splits off trailing punctuation or else leading punctuation, but not both.
  void ReadWord(std::string_view word, WordNumbers* words) {
    const size_t size = word.size();
    if (size > 1 && IsAsciiPunctuation(word.back())) {
      words_.push_back(words->NumberOf(word.substr(0, size - 1)));
      words_.push_back(words->NumberOf(word.substr(size - 1)));
    } else if (size > 1 && IsAsciiPunctuation(word.front())) {
      words_.push_back(words->NumberOf(word.substr(0, 1)));
      words_.push_back(words->NumberOf(word.substr(1)));
    } else {
      words_.push_back(words->NumberOf(word));
    }
  }

  ChrfOptions options_;
  std::string text_;
  std::vector<uint32_t> characters_;
  std::vector<uint32_t> words_;
  std::vector<std::string_view> split_;
};

class ChrfMeter : public SegmentMeter {
 public:
  explicit ChrfMeter(const ChrfOptions& options)
      : options_(options),
        hypothesis_(options),
        character_ngrams_(static_cast<size_t>(options.char_order)),
        word_ngrams_(static_cast<size_t>(options.word_order)),
        matches_(NumOrders(options)),
        candidate_(NumOrders(options) * kStatisticsOfOrder) {}

  // If there are several references, the one with the best score counts.
  void Measure(const Segment& segment, std::span<double> statistics) override {
    word_numbers_.Clear();
    hypothesis_.Read(segment.hypothesis, &word_numbers_);
    const size_t num_references = segment.references.size();
    references_.resize(std::max(references_.size(), num_references), ChrfLine(options_));
    double best = -1;
    for (size_t i = 0; i < num_references; ++i) {
      references_[i].Read(segment.references[i], &word_numbers_);
      Compare(references_[i]);
      const double score =
          num_references == 1 ? 0 : FScore(candidate_, SumType::kPython, options_).value();
      if (score <= best) continue;
      best = score;
      std::copy(candidate_.begin(), candidate_.end(), statistics.begin());
    }
  }

 private:
  // Fills candidate_.
  void Compare(const ChrfLine& reference) {
    std::fill(matches_.begin(), matches_.end(), 0);
    const auto char_orders = static_cast<size_t>(options_.char_order);
    Count(hypothesis_.characters(), reference.characters(), &character_ngrams_, 0, char_orders);
    Count(hypothesis_.words(), reference.words(), &word_ngrams_, char_orders, matches_.size());
  }

  void Count(std::span<const uint32_t> hypothesis, std::span<const uint32_t> reference,
             ReferenceNgrams* ngrams, size_t first_order, size_t end_order) {
    if (first_order == end_order) return;
    ngrams->Clear();
    ngrams->Add(reference);
    ngrams->TakeMatches(hypothesis, std::span(matches_).subspan(first_order));
    for (size_t i = first_order; i < end_order; ++i) {
      const size_t order = i - first_order + 1;
      const int64_t in_reference = NumNgrams(reference.size(), order);
      // Orders that the reference is too short for are ignored.
      const int64_t in_hypothesis = in_reference > 0 ? NumNgrams(hypothesis.size(), order) : 0;
      double* statistics = &candidate_[i * kStatisticsOfOrder];
      statistics[kHypothesisNgrams] = static_cast<double>(in_hypothesis);
      statistics[kReferenceNgrams] = static_cast<double>(in_reference);
      statistics[kMatchingNgrams] = static_cast<double>(matches_[i]);
    }
  }

  ChrfOptions options_;
  ChrfLine hypothesis_;
  std::vector<ChrfLine> references_;  // These hold the texts to which word_numbers_ refers.
  WordNumbers word_numbers_;
  ReferenceNgrams character_ngrams_;
  ReferenceNgrams word_ngrams_;
  std::vector<int64_t> matches_;   // One for each order.
  std::vector<double> candidate_;  // The statistics for one of the references.
};

}  // namespace

std::string Chrf::Name() const {
  return "chrF" + std::to_string(options_.beta) +
         std::string(static_cast<size_t>(options_.word_order), '+');
}

std::vector<SignatureItem> Chrf::SignatureItems() const {
  return {{"case", "c", options_.lowercase ? "lc" : "mixed"},
          {"eff", "e", options_.eps_smoothing ? "no" : "yes"},
          {"nc", "nc", std::to_string(options_.char_order)},
          {"nw", "nw", std::to_string(options_.word_order)},
          {"space", "s", options_.whitespace ? "yes" : "no"}};
}

size_t Chrf::NumStatistics() const { return NumOrders(options_) * kStatisticsOfOrder; }

std::unique_ptr<SegmentMeter> Chrf::NewMeter() const {
  return std::make_unique<ChrfMeter>(options_);
}

NumpyNumber Chrf::ScoreOf(std::span<const double> sums, SumType type) const {
  return FScore(sums, type, options_);
}

Score Chrf::FullScore(std::span<const double> sums) const {
  return {.value = ScoreOf(sums, SumType::kPython).value(),
          .details = "",
          .components = {{"char_order", static_cast<int64_t>(options_.char_order)},
                         {"word_order", static_cast<int64_t>(options_.word_order)},
                         {"beta", static_cast<int64_t>(options_.beta)}}};
}

}  // namespace wavemt
