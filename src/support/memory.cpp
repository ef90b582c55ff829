#include "support/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "support/system_file.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace wavemt {
namespace {

// The number of bytes in a unit; nothing if the unit is unknown.
std::optional<double> BytesOfUnit(std::string unit) {
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (unit.empty() || unit == "b") return 1.0;
  constexpr std::string_view kPrefixes = "kmgt";
  const size_t power = kPrefixes.find(unit.front());
  if (power == std::string_view::npos) return std::nullopt;
  const std::string rest = unit.substr(1);
  const auto exponent = static_cast<double>(power + 1);
  if (rest.empty() || rest == "i" || rest == "ib") return std::pow(1024.0, exponent);
  if (rest == "b") return std::pow(1000.0, exponent);
  return std::nullopt;
}

}  // namespace

void KeepFreedMemory() {
#if defined(__GLIBC__)
  constexpr int kLargestThreshold = 32 << 20;  // glibc's maximum.
  mallopt(M_MMAP_THRESHOLD, kLargestThreshold);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

void ReturnFreedBlocks() {
#if defined(__GLIBC__)
  constexpr int kLarge = 1 << 20;  // Unless it is told, glibc raises the limit by itself.
  mallopt(M_MMAP_THRESHOLD, kLarge);
#endif
}

void ReleaseFreedMemory() {
#if defined(__GLIBC__)
  malloc_trim(/*pad=*/0);
#endif
}

uintptr_t HeapEnd() { return reinterpret_cast<uintptr_t>(sbrk(0)); }

uintptr_t UseLargePages(uintptr_t begin) {
  auto* const heap_end = static_cast<char*>(sbrk(0));
  const auto end = reinterpret_cast<uintptr_t>(heap_end);
#if defined(MADV_HUGEPAGE)
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (begin + page - 1) / page * page;
  // Where there are no large pages, small ones do as well.
  if (first < end) madvise(heap_end - (end - first), end - first, MADV_HUGEPAGE);
#endif
  return end;
}

std::optional<int64_t> ParseMemorySize(std::string_view text) {
  double number = 0;
  const char* text_end = text.data() + text.size();
  const auto [end, error] =
      std::from_chars(text.data(), text_end, number, std::chars_format::fixed);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text_end - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto factor = BytesOfUnit(std::string(unit));
  if (!factor) return std::nullopt;
  const double bytes = std::floor(number * *factor);
  // Also false for NaN.
  const bool fits = bytes < static_cast<double>(std::numeric_limits<int64_t>::max());
  return fits ? std::optional(static_cast<int64_t>(bytes)) : std::nullopt;
}

std::optional<ProcessMemory> MeasureProcessMemory() {
  // proc(5): sizes in pages; `shared` counts the resident pages that are backed by a file.
  std::ifstream file("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  int64_t shared = 0;
  if (!(file >> size >> resident >> shared)) return std::nullopt;
  const int64_t page = sysconf(_SC_PAGESIZE);
  return ProcessMemory{.anonymous = (resident - shared) * page, .file = shared * page};
}

std::optional<SystemMemory> MeasureSystemMemory(const std::filesystem::path& meminfo) {
  const std::string text = ReadSystemFile(meminfo).value_or("");
  // The file's "kB" is 1,024 bytes.
  const auto bytes = [&](std::string_view name) {
    const std::string value = ValueInSystemFile(text, name);
    return ParseMemorySize(value.substr(0, value.find(' ')) + "K");
  };
  const auto total = bytes("MemTotal");
  const auto available = bytes("MemAvailable");
  if (!total || !available) return std::nullopt;
  return SystemMemory{.total = *total, .available = *available};
}

std::string LargePagesSetting(const std::filesystem::path& file) {
  // "always [madvise] never"
  const std::string text = ReadSystemFile(file).value_or("");
  const size_t begin = text.find('[');
  const size_t end = text.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  return text.substr(begin + 1, end - begin - 1);
}

}  // namespace wavemt
