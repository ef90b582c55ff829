#pragma once

namespace wavemt {

/// Limits how many compiled kernels oneDNN keeps in memory; LibTorch uses it for bfloat16 matrix
/// products on x86. Each shape needs its own kernel. The shapes of a few steps are enough, since
/// layers are alike and batches come in few numbers of rows (model/cpu_bf16.h). Must be called
/// before the first product. A limit set by the user in ONEDNN_PRIMITIVE_CACHE_CAPACITY takes
/// precedence.
void LimitPrimitiveCache();

}  // namespace wavemt
