#include "training/terminal_reporter.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "support/display_width.h"
#include "support/logging.h"
#include "training/named_scores.h"

namespace wavemt {
namespace {

// A line of a sample, cut to the terminal if there is one.
void LogSampleLine(std::string_view what, std::string_view text) {
  const std::string line = fmt::format("  {:<11}  {}", what, Displayable(text));
  const std::optional<int> width = MessageWidth();
  spdlog::info("{}", width ? Shortened(line, *width) : line);
}

}  // namespace

TerminalReporter::TerminalReporter(int64_t last_step) {
  if (LogsToTerminal()) bar_.emplace("step", last_step);
}

void TerminalReporter::OnStep(int64_t step) {
  if (bar_) bar_->Update(step, detail_);
}

void TerminalReporter::OnInterval(const IntervalReport& report) {
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

void TerminalReporter::OnValidation(const ValidationReport& report) {
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
    for (const SampleTranslation& sample : scores.samples) {
      LogSampleLine("source", sample.source);
      LogSampleLine("reference", sample.reference);
      LogSampleLine("translation", sample.translation);
    }
  }
}

}  // namespace wavemt
