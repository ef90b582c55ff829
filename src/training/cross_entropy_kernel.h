#pragma once

#include <cstdint>

namespace wavemt {

/// The cross-entropy of one row of logits with a label-smoothed target, in nats:
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean of -log p
/// Replaces the logits with the gradient of this loss with respect to them.
/// REQUIRES: 0 <= label < size.
float CrossEntropyRow(float* logits, int64_t size, int64_t label, float label_smoothing);

/// The same for bfloat16 logits, given as bits. Computes in fp32, using `scratch`, which has room
/// for `size` numbers.
float CrossEntropyRow(uint16_t* logits, float* scratch, int64_t size, int64_t label,
                      float label_smoothing);

}  // namespace wavemt
