#pragma once

#include <string_view>

#include "config/config.h"
#include "model/transformer.h"

namespace wavemt {

/// Adds the adapter that `adapter` describes to a model, whose other weights then are no longer
/// trained. Draws its initial weights from LibTorch's default generator; the model must be on the
/// CPU. Does nothing if the type is none.
void AddAdapter(const AdapterConfig& adapter, const ModelConfig& model_config, Transformer* model);

/// Whether a weight, by its name in the model, belongs to an adapter.
bool IsAdapterWeight(std::string_view name);

/// Makes LoRA part of the model's weights: the outputs stay the same, but for rounding.
void MergeLora(Transformer* model);

}  // namespace wavemt
