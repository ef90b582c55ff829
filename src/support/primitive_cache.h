#pragma once

namespace wavemt {

/// Limits how many compiled kernels oneDNN keeps in memory; LibTorch uses it for bfloat16 matrix
/// products on x86. Each shape needs its own kernel. The shapes of one step are enough, since its
/// layers are alike; as batches differ in shape, oneDNN's default of 1,024 would fill up with
/// kernels that are never used again. Must be called before the first product. A limit set by the
/// user in ONEDNN_PRIMITIVE_CACHE_CAPACITY takes precedence.
void LimitPrimitiveCache();

}  // namespace wavemt
