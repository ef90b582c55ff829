#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// Makes the C library keep freed memory for reuse instead of returning it to the system. Every
/// training step frees and allocates the same large tensors; getting their pages from the kernel
/// each time took a third of the step.
void KeepFreedMemory();

/// Makes the C library return large blocks to the system as soon as they are freed. Translating
/// frees them once a batch; with a base-sized model, keeping them took 40% more memory and saved a
/// few percent of the time.
void ReturnFreedBlocks();

/// Returns memory that is kept but unused to the system.
void ReleaseFreedMemory();

/// Where the C library's heap ends now.
uintptr_t HeapEnd();

/// Asks the system for pages of 2 MB instead of 4 KB for the heap from `begin` to its end, and
/// returns this end. Only pages that nothing was written to yet become large.
uintptr_t UseLargePages(uintptr_t begin);

/// Parses "512MB", "8G" or "1.5 GiB" into bytes. Units are those of the GNU tools, in upper or
/// lower case: K, Ki and KiB are 1,024 bytes, KB is 1,000; likewise for M, G and T. Returns nothing
/// if `text` is not a size.
std::optional<int64_t> ParseMemorySize(std::string_view text);

/// The process's resident memory, in bytes.
struct ProcessMemory {
  int64_t anonymous = 0;  // Allocated by the process; the system cannot reclaim it.
  int64_t file = 0;       // Pages of mapped files, including the program and its libraries.
};

/// Returns nothing on systems without /proc.
std::optional<ProcessMemory> MeasureProcessMemory();

/// The machine's memory, in bytes.
struct SystemMemory {
  int64_t total = 0;
  int64_t available = 0;  // Without swapping.
};

/// Reads a file like /proc/meminfo. Returns nothing if it does not tell.
std::optional<SystemMemory> MeasureSystemMemory(
    const std::filesystem::path& meminfo = "/proc/meminfo");

/// When the system gives large pages (see UseLargePages()): "always", "madvise", which is when it
/// is asked, or "never"; empty if it does not say.
std::string LargePagesSetting(
    const std::filesystem::path& file = "/sys/kernel/mm/transparent_hugepage/enabled");

}  // namespace wavemt
