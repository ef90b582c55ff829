#include "support/primitive_cache.h"

#include <cstdlib>

namespace wavemt {

void LimitPrimitiveCache() {
  // A training step has about 40 shapes: three products per type of layer, in encoder and decoder.
  // Its batches come in a few numbers of rows (model/cpu_bf16.h).
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256", /*overwrite=*/0);
}

}  // namespace wavemt
