#pragma once

#include "interchange/model_parts.h"

namespace wavemt {

/// What Python's transformers opens as a MarianMTModel (post-norm) or as a
/// PegasusForConditionalGeneration (pre-norm). A usage error if these cannot hold the model.
ForeignFiles ToHuggingFace(const ModelParts& parts);

}  // namespace wavemt
