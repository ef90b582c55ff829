#pragma once

#include "interchange/model_parts.h"

namespace wavemt {

/// The model as it is, and a script that translates with it in plain PyTorch. A usage error if the
/// script does not know the model's kind.
ForeignFiles ToTorch(const ModelParts& parts);

}  // namespace wavemt
