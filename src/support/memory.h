#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wavemt {

/// Lets the C library keep freed memory for the next use instead of giving it back to the system.
/// A training step frees and allocates the same large tensors again and again; fetching their pages
/// from the kernel anew took a third of its time.
void KeepFreedMemory();

/// Gives the memory that is kept and not in use back to the system.
void ReleaseFreedMemory();

/// "512MB", "8G", "1.5 GiB" -> bytes. The units are those of GNU's tools: K, Ki and KiB are 1,024
/// bytes, KB is 1,000; so on for M, G and T, in either case. Nothing where `text` is no size.
std::optional<int64_t> ParseMemorySize(std::string_view text);

/// What of the process's memory is in use, in bytes.
struct ProcessMemory {
  int64_t anonymous = 0;  // Its own; the system cannot take it back.
  int64_t file = 0;       // Pages of files that are mapped, its program and libraries among them.
};

/// Nothing where the system does not tell (it has no /proc).
std::optional<ProcessMemory> MeasureProcessMemory();

}  // namespace wavemt
