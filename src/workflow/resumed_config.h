#pragma once

#include <filesystem>

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// The config with which a run continues: that of `run`, which is `before`, with `overrides`
/// applied. A usage error if they change a key that must not change during a run (see
/// config_fields.h).
Config ResumedConfig(const std::filesystem::path& run, const Config& before,
                     const ConfigOverrides& overrides);

/// Whether two corpora are read from different files, whose text may still be the same.
bool HasOtherFiles(const ParallelFiles& a, const ParallelFiles& b);
/// The same for all corpora of a training; also whether their weights, tags or filters are others.
bool HasOtherFiles(const CorpusList<TrainingCorpus>& a, const CorpusList<TrainingCorpus>& b);

}  // namespace wavemt
