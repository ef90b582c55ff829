#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/config_origin.h"

namespace wavemt {

/// Throws a usage error if values that are valid on their own contradict each other. The error
/// names the key to change, both values, and what would be right.
void ValidateConfig(const Config& config, const ConfigOrigin& origin);

/// The same for the section "adapter" alone.
void ValidateAdapter(const AdapterConfig& adapter, const ConfigOrigin& origin);

/// Throws a usage error, which begins with `where`, unless this can be
/// PairFilter::max_length_ratio.
void RequireLengthRatio(double ratio, const std::string& where);

/// Throws a usage error, which begins with `where`, unless these can be user-defined symbols of a
/// tokenizer.
void RequireSymbols(const std::vector<std::string>& symbols, const std::string& where);

/// Throws a usage error if the config names no text to train on.
void RequireTrainingText(const Config& config, const ConfigOrigin& origin);

}  // namespace wavemt
