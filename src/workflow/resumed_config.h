#pragma once

#include <filesystem>

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// The config that a run goes on with: that of `run`, which is `before`, with `overrides` put over
/// it. A usage error for what cannot change in the middle of a run (config_fields.h says it beside
/// each key).
Config ResumedConfig(const std::filesystem::path& run, const Config& before,
                     const ConfigOverrides& overrides);

/// Whether two corpora are read from other files, whose text may still be the same.
bool HasOtherFiles(const ParallelFiles& a, const ParallelFiles& b);

}  // namespace wavemt
