#pragma once

namespace wavemt {

/// Lets oneDNN, which multiplies LibTorch's bfloat16 matrices on x86, keep the compiled kernels of
/// few shapes: those of a step, whose layers are alike. Batches differ in shape, so that its own
/// limit of 1,024 is reached by kernels that are never used again. Before the first product; a
/// limit that the user set by ONEDNN_PRIMITIVE_CACHE_CAPACITY stays.
void LimitPrimitiveCache();

}  // namespace wavemt
