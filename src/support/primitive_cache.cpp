#include "support/primitive_cache.h"

#include <cstdlib>

namespace wavemt {

void LimitPrimitiveCache() {
  // A training step has about 40 shapes: three products per type of layer, in encoder and decoder.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", /*overwrite=*/0);
}

}  // namespace wavemt
