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

/// R-Drop's loss of one position, whose logits are `first` in one pass and `second` in the other.
/// With p and q for their probabilities, in nats:
///   (cross-entropy of p + cross-entropy of q) / 2 + alpha / 4 * (KL(p||q) + KL(q||p))
/// The cross-entropies are those of CrossEntropyRow(). Replaces both rows with the gradients of
/// this loss with respect to them. `scratch` has room for `size` numbers.
/// REQUIRES: 0 <= label < size.
float RDropRows(float* first, float* second, float* scratch, int64_t size, int64_t label,
                float label_smoothing, float alpha);

/// The same for bfloat16 logits, given as bits. Computes in fp32, using `scratch`, which has room
/// for 3 * `size` numbers.
float RDropRows(uint16_t* first, uint16_t* second, float* scratch, int64_t size, int64_t label,
                float label_smoothing, float alpha);

}  // namespace wavemt
