#include "training/tensorboard_reporter.h"

#include <string>
#include <vector>

#include "config/config_writer.h"
#include "training/named_scores.h"
#include "training/tensorboard_hparams.h"
#include "training/tensorboard_summary.h"

namespace wavemt {
namespace {

std::string SamplesSummary(const SetScores& set) {
  std::vector<std::vector<std::string>> rows = {{"**source**", "**reference**", "**translation**"}};
  for (const SampleTranslation& sample : set.scores.samples) {
    rows.push_back(
        {AsMarkdown(sample.source), AsMarkdown(sample.reference), AsMarkdown(sample.translation)});
  }
  return TableSummary(set.key + "/samples", rows);
}

Histogram HistogramOf(const torch::Tensor& tensor) {
  const torch::NoGradGuard no_grad;
  // On the CPU this copies nothing.
  const auto numbers = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
  return CountInBuckets(numbers.const_data_ptr<float>(), numbers.numel());
}

}  // namespace

TensorboardReporter::TensorboardReporter(const RunDirectory& run, int64_t step,
                                         const ReportedTraining& training)
    : writer_(run.TensorboardPath(), step) {
  const double now = WallTime();
  std::string summary = TextSummary("config", AsMarkdownCode(ConfigText(training.config)));
  summary += ExperimentSummary(training.config, now);
  summary += SessionStartSummary(training.config, now);
  if (step == 0) {
    for (const Picture& picture : training.pictures) summary += ImageSummary(picture);
  }
  writer_.Write(step, summary);
}

void TensorboardReporter::OnInterval(const IntervalReport& report) {
  writer_.Write(report.step,
                ScalarSummary("train/loss", report.loss) +
                    ScalarSummary("train/lr", report.learning_rate) +
                    ScalarSummary("train/gradient_norm", report.gradient_norm) +
                    ScalarSummary("train/tokens_per_second", report.tokens_per_second));
}

void TensorboardReporter::OnValidation(const ValidationReport& report) {
  std::string summary;
  for (const NamedScore& score : NamedScoresOf(report.sets)) {
    summary += ScalarSummary(score.name, score.value);
  }
  for (const SetScores& set : report.sets) {
    if (!set.scores.samples.empty()) summary += SamplesSummary(set);
  }
  writer_.Write(report.step, summary);
}

void TensorboardReporter::OnWeights(const WeightsReport& report) {
  std::string summary;
  for (const auto& [name, weight] : report.weights) {
    summary += HistogramSummary("weights/" + name, HistogramOf(weight));
    if (const torch::Tensor& gradient = weight.grad(); gradient.defined()) {
      summary += HistogramSummary("gradients/" + name, HistogramOf(gradient));
    }
  }
  writer_.Write(report.step, summary);
}

void TensorboardReporter::BeforeCheckpoint(TrainingState* /*state*/) { writer_.Sync(); }

void TensorboardReporter::OnDone(int64_t step) {
  writer_.Write(step, SessionEndSummary(WallTime()));
  writer_.Sync();
}

}  // namespace wavemt
