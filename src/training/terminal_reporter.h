#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "support/progress.h"
#include "training/training_listener.h"

namespace wavemt {

/// Tells people on standard error how a training goes: a progress bar on a terminal, otherwise a
/// line for each interval; the scores of validations and some of their translations.
class TerminalReporter : public TrainingListener {
 public:
  /// `last_step`: the expected one.
  explicit TerminalReporter(int64_t last_step);

  void OnStep(int64_t step) override;
  void OnInterval(const IntervalReport& report) override;
  void OnValidation(const ValidationReport& report) override;

 private:
  std::optional<ProgressBar> bar_;
  std::string detail_;
};

}  // namespace wavemt
