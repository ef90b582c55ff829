#pragma once

#include <string>

#include "config/config.h"

namespace wavemt {

// What TensorBoard's tab HPARAMS shows of a run: values of a message Summary, as those of
// tensorboard_summary.h, after tensorboard/plugins/hparams/{api,plugin_data}.proto. `seconds` are
// those since 1970.

/// Which settings and which scores the tab shows: the seed, the vocabulary's size, all of model.*
/// and training.* that is a single value, and, if the run validates, BLEU and loss.
std::string ExperimentSummary(const Config& config, double seconds);

/// The settings of a run, at its start.
std::string SessionStartSummary(const Config& config, double seconds);

/// That a run is done.
std::string SessionEndSummary(double seconds);

}  // namespace wavemt
