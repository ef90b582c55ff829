#include "workflow/bayes_risk.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/metric.h"
#include "workflow/languages.h"

namespace wavemt {
namespace {

std::shared_ptr<const Metric> MetricOf(const Config& config) {
  if (config.decoding.mbr_metric == MbrMetric::kBleu) {
    return std::make_shared<Bleu>(
        BleuOptions{.tokenizer = BleuTokenizer(config), .effective_order = true});
  }
  return std::make_shared<Chrf>(ChrfOptions{});
}

// The samples that differ, with how often each was drawn: most draws of a short sentence are equal.
using CountedTexts = std::map<std::string_view, double>;

std::vector<double> Expect(const Metric& metric, std::span<const std::string> texts) {
  CountedTexts samples;
  for (const std::string& text : texts) samples[text] += 1;
  const std::unique_ptr<SegmentMeter> meter = metric.NewMeter();
  std::vector<double> statistics(metric.NumStatistics());
  std::map<std::string_view, double> expected;
  for (const auto& [hypothesis, unused] : samples) {
    double sum = 0;
    for (const auto& [reference, count] : samples) {
      meter->Measure({.hypothesis = hypothesis, .references = {reference}}, statistics);
      sum += count * metric.ScoreOf(statistics, SumType::kPython).value();
    }
    expected[hypothesis] = sum / static_cast<double>(texts.size());
  }
  std::vector<double> of_texts;
  for (const std::string& text : texts) of_texts.push_back(expected[text]);
  return of_texts;
}

}  // namespace

ExpectedMetric MakeExpectedMetric(const Config& config) {
  return [metric = MetricOf(config)](std::span<const std::string> texts) {
    return Expect(*metric, texts);
  };
}

}  // namespace wavemt
