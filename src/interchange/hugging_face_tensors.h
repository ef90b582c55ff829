#pragma once

#include <string>
#include <string_view>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "model/transformer.h"

namespace wavemt {

/// A usage error that names `format` if `weights` holds one that is not of the plain model.
void RequireOnlyModelWeights(const ModelConfig& config, const NamedTensors& weights,
                             std::string_view format);

/// The tensors of a MarianMTModel (post-norm) or a PegasusForConditionalGeneration (pre-norm) by
/// their names there, for a model with `weights` by our names.
NamedTensors ToHuggingFaceTensors(const ModelConfig& config, const NamedTensors& weights);

/// The weights by our names, without position_encoding.pe, for the tensors of a MarianMTModel; all
/// in fp32. A usage error that begins with `origin` and names the tensor if one is missing, left
/// over or of another shape than `config` and `vocabulary` say. Sets config->output_bias if there
/// is one that is not 0.
NamedTensors FromMarianTensors(const NamedTensors& tensors, const std::string& origin,
                               const VocabularySizes& vocabulary, ModelConfig* config);

}  // namespace wavemt
