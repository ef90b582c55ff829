#include "support/primitive_cache.h"

#include <cstdlib>

namespace wavemt {

void LimitPrimitiveCache() {
  // A step of training has some 40 shapes: three products for each kind of layer and side.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", /*overwrite=*/0);
}

}  // namespace wavemt
