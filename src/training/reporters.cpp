#include "training/reporters.h"

#include <optional>
#include <utility>

#include "support/files.h"
#include "training/named_scores.h"
#include "training/tensorboard_reporter.h"
#include "training/terminal_reporter.h"

namespace wavemt {
namespace {

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

// Writes samples.jsonl, which a run has as soon as there are samples.
class SamplesReporter : public TrainingListener {
 public:
  SamplesReporter(const RunDirectory& run, const MetricsLog::ResumePoint& from)
      : path_(run.SamplesPath()),
        from_{.step = from.step, .with_validation = from.with_validation} {
    if (Exists(path_)) log_.emplace(path_, from_);
  }

  void OnValidation(const ValidationReport& report) override {
    for (const auto& [key, scores] : report.sets) {
      for (const SampleTranslation& sample : scores.samples) {
        if (!log_) log_.emplace(path_, from_);
        log_->Write({{"step", report.step},
                     {"set", key},
                     {"source", sample.source},
                     {"reference", sample.reference},
                     {"translation", sample.translation}});
      }
    }
  }

  void BeforeCheckpoint(TrainingState* /*state*/) override {
    if (log_) log_->Sync();
  }

 private:
  std::filesystem::path path_;
  MetricsLog::ResumePoint from_;
  std::optional<MetricsLog> log_;
};

// Adds a line to starts.jsonl with the first step: a run that has ended already is left as it is.
class StartReporter : public TrainingListener {
 public:
  StartReporter(const RunDirectory& run, int64_t step, Json start)
      : path_(run.StartsPath()), step_(step), start_(std::move(start)) {}

  void OnStep(int64_t /*step*/) override {
    if (start_.is_null()) return;
    // Starts from later checkpoints than the one from which this training goes on count no more.
    MetricsLog log(path_, {.step = step_});
    log.Write(std::exchange(start_, nullptr));
    log.Sync();
  }

 private:
  std::filesystem::path path_;
  int64_t step_;
  Json start_;
};

}  // namespace

std::vector<std::unique_ptr<TrainingListener>> OpenReporters(const RunDirectory& run,
                                                             const MetricsLog::ResumePoint& from,
                                                             const ReportedTraining& training) {
  std::vector<std::unique_ptr<TrainingListener>> reporters;
  reporters.push_back(std::make_unique<MetricsReporter>(run, from));
  reporters.push_back(std::make_unique<SamplesReporter>(run, from));
  reporters.push_back(std::make_unique<StartReporter>(run, from.step, training.start));
  reporters.push_back(std::make_unique<TensorboardReporter>(run, from.step, training));
  // The bar is created last, when nothing else is printed any more, but it is notified first.
  reporters.insert(reporters.begin(), std::make_unique<TerminalReporter>(training.last_step));
  return reporters;
}

}  // namespace wavemt
