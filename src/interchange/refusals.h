#pragma once

#include <string_view>

#include "config/config.h"
#include "data/tokenizer.h"

namespace wavemt {

// Throw a usage error that names the first key of a model's config that the format cannot hold, and
// what it could.

void RequireHuggingFaceCanHold(const Config& config, const TokenizerPair& tokenizers);
void RequireCTranslate2CanHold(const Config& config);
void RequireTorchScriptCanHold(const Config& config);

/// Warns of what the model does to text that its translations elsewhere have to do without.
void WarnOfTextOptions(const Config& config, std::string_view format);

}  // namespace wavemt
