#include "training/reporters.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/logging.h"
#include "support/progress.h"
#include "training/named_scores.h"
#include "training/tensorboard_writer.h"

namespace wavemt {
namespace {

// A progress bar on a terminal; otherwise a line for each interval.
class TerminalReporter : public TrainingListener {
 public:
  explicit TerminalReporter(int64_t last_step) {
    if (StandardErrorIsTerminal()) bar_.emplace("step", last_step);
  }

  void OnStep(int64_t step) override {
    if (bar_) bar_->Update(step, detail_);
  }

  void OnInterval(const IntervalReport& report) override {
    detail_ = fmt::format("loss {:.3f}  lr {:.2e}  {} tok/s", report.loss, report.learning_rate,
                          WithThousands(std::llround(report.tokens_per_second)));
    if (report.skipped_steps > 0) detail_ += fmt::format("  {} skipped", report.skipped_steps);
    if (bar_) {
      bar_->set_total(report.last_step);
      return;
    }
    spdlog::info("step {}/{}  epoch {}  {}  {} left", WithThousands(report.step),
                 WithThousands(report.last_step), report.epoch, detail_,
                 HumanDuration(report.seconds_left));
  }

  void OnValidation(const ValidationReport& report) override {
    bool is_best = report.is_best;
    for (const auto& [key, scores] : report.sets) {
      std::string text = fmt::format("{}loss {:.3f}  perplexity {:.2f}",
                                     key == kValidKey ? "" : fmt::format("{}: ", key), scores.loss,
                                     scores.perplexity);
      if (scores.bleu) text += fmt::format("  BLEU {:.2f}", *scores.bleu);
      if (scores.chrf) text += fmt::format("  chrF {:.2f}", *scores.chrf);
      if (scores.accuracy) text += fmt::format("  accuracy {:.2f}", *scores.accuracy);
      spdlog::info("validation at step {}: {}{}", WithThousands(report.step), text,
                   std::exchange(is_best, false) ? "  (best so far)" : "");
    }
  }

 private:
  std::optional<ProgressBar> bar_;
  std::string detail_;
};

class MetricsReporter : public TrainingListener {
 public:
  MetricsReporter(const RunDirectory& run, const MetricsLog::ResumePoint& from)
      : log_(run.MetricsPath(), from) {}

  void OnInterval(const IntervalReport& report) override {
    log_.Write({{"step", report.step},
                {"epoch", report.epoch},
                {"loss", report.loss},
                {"lr", report.learning_rate},
                {"gradient_norm", report.gradient_norm},
                {"skipped_steps", report.skipped_steps},
                {"tokens_per_second", report.tokens_per_second},
                {"seconds_per_step", report.seconds_per_step}});
  }

  void OnValidation(const ValidationReport& report) override {
    Json line = {{"step", report.step}, {"epoch", report.epoch}};
    for (const auto& [name, value, signature] : NamedScoresOf(report.sets)) {
      line[name] = value;
      if (!signature.empty()) line[name + "_signature"] = signature;
    }
    log_.Write(line);
  }

  void BeforeCheckpoint(TrainingState* state) override {
    log_.Sync();
    state->metrics = log_.mark();
  }

 private:
  MetricsLog log_;
};

class TensorboardReporter : public TrainingListener {
 public:
  TensorboardReporter(const RunDirectory& run, int64_t step)
      : writer_(run.TensorboardPath(), step) {}

  void OnInterval(const IntervalReport& report) override {
    writer_.Write(report.step, {{"train/loss", report.loss},
                                {"train/lr", report.learning_rate},
                                {"train/gradient_norm", report.gradient_norm},
                                {"train/tokens_per_second", report.tokens_per_second}});
  }

  void OnValidation(const ValidationReport& report) override {
    TensorboardWriter::Scalars scalars;
    for (const NamedScore& score : NamedScoresOf(report.sets)) {
      scalars.emplace_back(score.name, score.value);
    }
    writer_.Write(report.step, scalars);
  }

  void BeforeCheckpoint(TrainingState*) override { writer_.Sync(); }

 private:
  TensorboardWriter writer_;
};

}  // namespace

std::vector<std::unique_ptr<TrainingListener>> OpenReporters(const RunDirectory& run,
                                                             const MetricsLog::ResumePoint& from,
                                                             int64_t last_step) {
  std::vector<std::unique_ptr<TrainingListener>> reporters;
  reporters.push_back(std::make_unique<MetricsReporter>(run, from));
  reporters.push_back(std::make_unique<TensorboardReporter>(run, from.step));
  // The bar is created last, when nothing else is printed any more, but it is notified first.
  reporters.insert(reporters.begin(), std::make_unique<TerminalReporter>(last_step));
  return reporters;
}

}  // namespace wavemt
