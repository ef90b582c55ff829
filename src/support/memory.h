#pragma once

namespace wavemt {

/// Lets the C library keep freed memory for the next use instead of giving it back to the system.
/// A training step frees and allocates the same large tensors again and again; fetching their pages
/// from the kernel anew took a third of its time.
void KeepFreedMemory();

}  // namespace wavemt
