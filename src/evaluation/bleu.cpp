#include "evaluation/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config_fields.h"
#include "evaluation/bleu_tokenizer.h"
#include "evaluation/whitespace.h"

namespace wavemt {
namespace {

// The version of sacreBLEU whose figures these are.
constexpr std::string_view kReferenceVersion = "2.6.0";

// Words as whitespace-joined n-grams: words hold no whitespace, so the joining is unambiguous.
using NgramCounts = std::unordered_map<std::string_view, int64_t>;

// A tokenized line and its n-grams of one order, which are stretches of the line itself.
class Words {
 public:
  Words(std::string_view line, EvaluationTokenizer tokenizer)
      : text_(TokenizeForBleu(line, tokenizer)) {
    std::vector<std::string_view> words;
    SplitOnSpace(text_, &words);
    std::string normalized;
    normalized.reserve(text_.size());
    for (const std::string_view word : words) {
      if (!normalized.empty()) normalized += ' ';
      begins_.push_back(normalized.size());
      normalized += word;
    }
    text_ = std::move(normalized);
  }

  size_t size() const { return begins_.size(); }

  NgramCounts Count(size_t order) const {
    NgramCounts counts;
    for (size_t i = 0; i + order <= size(); ++i) {
      const size_t end = i + order < size() ? begins_[i + order] - 1 : text_.size();
      ++counts[std::string_view(text_).substr(begins_[i], end - begins_[i])];
    }
    return counts;
  }

 private:
  std::string text_;
  std::vector<size_t> begins_;
};

void AddSegment(const Words& hypothesis, const Words& reference, BleuScore* score) {
  score->hypothesis_length += static_cast<int64_t>(hypothesis.size());
  score->reference_length += static_cast<int64_t>(reference.size());
  for (size_t n = 0; n < BleuScore::kMaxOrder; ++n) {
    const NgramCounts expected = reference.Count(n + 1);
    for (const auto& [ngram, count] : hypothesis.Count(n + 1)) {
      score->total[n] += count;
      const auto found = expected.find(ngram);
      if (found != expected.end()) score->correct[n] += std::min(count, found->second);
    }
  }
}

void Finish(BleuScore* score) {
  const auto hypothesis_length = static_cast<double>(score->hypothesis_length);
  const auto reference_length = static_cast<double>(score->reference_length);
  if (score->hypothesis_length < score->reference_length) {
    score->brevity_penalty =
        score->hypothesis_length > 0 ? std::exp(1 - reference_length / hypothesis_length) : 0.0;
  }
  if (std::all_of(score->correct.begin(), score->correct.end(), [](int64_t n) { return n == 0; })) {
    return;
  }
  double smoothing = 1.0;
  for (size_t n = 0; n < BleuScore::kMaxOrder && score->total[n] > 0; ++n) {
    const auto total = static_cast<double>(score->total[n]);
    if (score->correct[n] == 0) {
      // Each order without a match counts half as much as the one before (mteval-v13a.pl).
      smoothing *= 2;
      score->precisions[n] = 100.0 / (smoothing * total);
    } else {
      score->precisions[n] = 100.0 * static_cast<double>(score->correct[n]) / total;
    }
  }
  constexpr double kLogOfZero = -9999999999.0;
  double log_sum = 0;
  for (const double p : score->precisions) log_sum += p == 0.0 ? kLogOfZero : std::log(p);
  score->score = score->brevity_penalty * std::exp(log_sum / BleuScore::kMaxOrder);
}

}  // namespace

BleuScore ComputeBleu(std::span<const std::string> hypotheses,
                      std::span<const std::string> references, EvaluationTokenizer tokenizer) {
  BleuScore score;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    AddSegment(Words(hypotheses[i], tokenizer), Words(references[i], tokenizer), &score);
  }
  Finish(&score);
  score.signature = fmt::format("nrefs:1|case:mixed|eff:no|tok:{}|smooth:exp|version:{}",
                                NameOf(tokenizer), kReferenceVersion);
  return score;
}

std::string BleuScore::Line() const {
  const double ratio = reference_length == 0 ? 0.0
                                             : static_cast<double>(hypothesis_length) /
                                                   static_cast<double>(reference_length);
  return fmt::format(
      "BLEU|{} = {:.1f} {:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {} "
      "ref_len = {})",
      signature, score, precisions[0], precisions[1], precisions[2], precisions[3],
      brevity_penalty, ratio, hypothesis_length, reference_length);
}

}  // namespace wavemt
