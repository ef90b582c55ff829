#pragma once

#include <memory>

#include "config/config.h"
#include "decoding/translator.h"
#include "training/training_inputs.h"
#include "workflow/training_text.h"

namespace wavemt {

/// Translates `lines` as `wavemt evaluate` would, but with training.validation_beam_size, and
/// scores the translations with BLEU and chrF. The ranks of `world` share the lines, and rank 0
/// scores them. Empty if there are no lines.
TrainingInputs::ScoreTranslations MakeValidationScorer(const Config& config, Translator translator,
                                                       std::shared_ptr<const ReferenceText> lines,
                                                       std::shared_ptr<World> world);

}  // namespace wavemt
