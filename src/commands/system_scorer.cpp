#include "commands/system_scorer.h"

#include <charconv>
#include <cstdlib>
#include <random>
#include <string_view>

#include "support/error.h"

namespace wavemt {

SystemScorer::SystemScorer(const MetricList& metrics, bool keep_statistics)
    : metrics_(metrics), keep_statistics_(keep_statistics) {
  for (const auto& metric : metrics) {
    sums_.emplace_back(metric->NumStatistics());
    statistics_.emplace_back(metric->NumStatistics());
  }
}

void SystemScorer::Add(std::span<const Segment> segments, ScorePrinter* sentences) {
  for (const Segment& segment : segments) {
    const size_t count = segment.references.size();
    num_references_ = num_references_.value_or(count) == count ? count : 0;
  }
  for (size_t i = 0; i < metrics_.size(); ++i) {
    const Statistics rows = Measure(*metrics_[i], segments);
    rows.AddTo(&sums_[i]);
    if (keep_statistics_) statistics_[i].Append(rows);
    if (sentences == nullptr || i > 0) continue;
    for (size_t row = 0; row < rows.size(); ++row) {
      MetricResult result = {.metric = metrics_[i].get(),
                             .score = metrics_[i]->FullScore(rows.row(row)),
                             .context = {}};
      result.context.num_references = std::to_string(segments[row].references.size());
      sentences->PrintSentence(result);
    }
  }
}

std::vector<MetricResult> SystemScorer::Results() const {
  const size_t num_references = num_references_.value_or(1);
  std::vector<MetricResult> results;
  for (size_t i = 0; i < metrics_.size(); ++i) {
    results.push_back(
        {.metric = metrics_[i].get(), .score = metrics_[i]->FullScore(sums_[i]), .context = {}});
    results.back().context.num_references =
        num_references == 0 ? "var" : std::to_string(num_references);
  }
  return results;
}

Resampling ResamplingFromEnvironment(int64_t samples) {
  const char* variable = std::getenv("SACREBLEU_SEED");
  const std::string_view text = variable == nullptr ? "12345" : variable;
  Resampling result;
  result.options.samples = samples;
  if (text == "none" || text == "None") {
    std::random_device device;
    result.options.seed = (static_cast<uint64_t>(device()) << 32) | device();
    result.seed_name = "none";
    return result;
  }
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), result.options.seed);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError("SACREBLEU_SEED={}: must be a whole number from 0 on, or none", text);
  }
  result.seed_name = std::to_string(result.options.seed);
  return result;
}

void AddConfidence(const SystemScorer& scorer, int64_t samples,
                   std::vector<MetricResult>* results) {
  const Resampling resampling = ResamplingFromEnvironment(samples);
  for (size_t i = 0; i < results->size(); ++i) {
    MetricResult& result = (*results)[i];
    result.interval =
        EstimateInterval(Bootstrap(*result.metric, scorer.statistics()[i], resampling.options));
    result.context.bootstrap_samples = samples;
    result.context.seed = resampling.seed_name;
  }
}

}  // namespace wavemt
