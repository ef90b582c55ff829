#pragma once

#include "config/config.h"
#include "model/transformer.h"

namespace wavemt {

/// The precision to translate with: `wanted`, with "auto" decided by a short measurement of the
/// model's largest products where the model is. A usage error if there is no such precision there.
DecodingPrecision ResolveDecodingPrecision(DecodingPrecision wanted, const Transformer& model);

}  // namespace wavemt
