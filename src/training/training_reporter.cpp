#include "training/training_reporter.h"

#include <cmath>

#include "support/logging.h"

namespace wavemt {

TrainingReporter::TrainingReporter(const RunDirectory& run, const MetricsLog::Behind& behind,
                                   int64_t last_step)
    : first_step_(behind.step),
      last_step_(last_step),
      metrics_(run.MetricsPath(), behind),
      tensorboard_(run.TensorboardPath(), behind.step),
      terminal_(StandardErrorIsTerminal()),
      clock_start_(Clock::now()),
      last_logged_step_(behind.step) {
  if (terminal_) bar_ = std::make_unique<ProgressBar>("step", last_step);
}

void TrainingReporter::Step(int64_t step, int64_t target_tokens) {
  interval_tokens_ += target_tokens;
  if (bar_) bar_->Update(step, detail_);
}

void TrainingReporter::Sync() {
  metrics_.Sync();
  tensorboard_.Sync();
}

void TrainingReporter::PauseClock() {
  interval_seconds_ += std::chrono::duration<double>(Clock::now() - clock_start_).count();
}

void TrainingReporter::ResumeClock() { clock_start_ = Clock::now(); }

double TrainingReporter::SecondsLeft(int64_t step) const {
  const auto done = static_cast<double>(step - first_step_);
  return done > 0 ? total_seconds_ / done * static_cast<double>(last_step_ - step) : 0.0;
}

void TrainingReporter::Log(const Interval& interval) {
  PauseClock();
  const double speed = static_cast<double>(interval_tokens_) / std::max(interval_seconds_, 1e-9);
  total_seconds_ += interval_seconds_;
  last_step_ = interval.last_step;
  if (bar_) bar_->set_total(last_step_);
  const double seconds_left = SecondsLeft(interval.step);
  detail_ = fmt::format("loss {:.3f}  lr {:.2e}  {} tok/s", interval.loss, interval.learning_rate,
                        WithThousands(std::llround(speed)));
  if (interval.skipped_steps > 0) detail_ += fmt::format("  {} skipped", interval.skipped_steps);
  if (!terminal_) {
    spdlog::info("step {}/{}  epoch {}  {}  {} left", WithThousands(interval.step),
                 WithThousands(last_step_), interval.epoch, detail_, HumanDuration(seconds_left));
  }
  metrics_.Write({{"step", interval.step},
                  {"epoch", interval.epoch},
                  {"loss", interval.loss},
                  {"lr", interval.learning_rate},
                  {"gradient_norm", interval.gradient_norm},
                  {"skipped_steps", interval.skipped_steps},
                  {"tokens_per_second", speed},
                  {"seconds_per_step",
                   interval_seconds_ / static_cast<double>(interval.step - last_logged_step_)}});
  tensorboard_.Write(interval.step, {{"train/loss", interval.loss},
                                     {"train/lr", interval.learning_rate},
                                     {"train/gradient_norm", interval.gradient_norm},
                                     {"train/tokens_per_second", speed}});
  interval_tokens_ = 0;
  interval_seconds_ = 0;
  last_logged_step_ = interval.step;
  ResumeClock();
}

void TrainingReporter::Validation(int64_t step, int64_t epoch, const ValidationScores& scores,
                                  bool is_best) {
  Json line = {{"step", step},
               {"epoch", epoch},
               {"valid/loss", scores.loss},
               {"valid/perplexity", scores.perplexity}};
  TensorboardWriter::Scalars scalars = {{"valid/loss", scores.loss},
                                        {"valid/perplexity", scores.perplexity}};
  std::string text = fmt::format("validation at step {}: loss {:.3f}  perplexity {:.2f}",
                                 WithThousands(step), scores.loss, scores.perplexity);
  if (scores.bleu) {
    line["valid/bleu"] = *scores.bleu;
    line["valid/bleu_signature"] = scores.bleu_signature;
    scalars.emplace_back("valid/bleu", *scores.bleu);
    text += fmt::format("  BLEU {:.2f}", *scores.bleu);
  }
  if (scores.chrf) {
    line["valid/chrf"] = *scores.chrf;
    line["valid/chrf_signature"] = scores.chrf_signature;
    scalars.emplace_back("valid/chrf", *scores.chrf);
    text += fmt::format("  chrF {:.2f}", *scores.chrf);
  }
  spdlog::info("{}{}", text, is_best ? "  (best so far)" : "");
  metrics_.Write(line);
  tensorboard_.Write(step, scalars);
}

}  // namespace wavemt
