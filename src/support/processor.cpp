#include "support/processor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/system_file.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

// Flags of /proc/cpuinfo: what matrix products can be made of.
constexpr std::pair<std::string_view, const char*> kInstructionFlags[] = {
    {"avx2", "AVX2"}, {"avx512f", "AVX-512"}, {"avx512_bf16", "AVX512-BF16"}, {"amx_tile", "AMX"}};

}  // namespace

Processor ReadProcessor(const std::filesystem::path& cpuinfo) {
  const std::string text = ReadSystemFile(cpuinfo).value_or("");
  Processor processor = {.model = ValueInSystemFile(text, "model name")};
  if (processor.model.empty()) processor.model = "unknown processor";
  const std::string flags = ValueInSystemFile(text, "flags");
  std::vector<std::string_view> words;
  SplitOnSpace(flags, &words);
  for (const auto& [flag, name] : kInstructionFlags) {
    if (std::ranges::find(words, flag) != words.end()) processor.instructions.emplace_back(name);
  }
  return processor;
}

std::string ProcessorText(const Processor& processor) {
  if (processor.instructions.empty()) return processor.model;
  return fmt::format("{}, {}", processor.model, fmt::join(processor.instructions, " "));
}

int NumProcessors() { return static_cast<int>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)); }

int NumAllowedProcessors() {
  // The system refuses a set that is too small for its processors.
  for (int most = 1024; most <= 1 << 20; most *= 2) {
    cpu_set_t* const set = CPU_ALLOC(static_cast<size_t>(most));
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(most));
    const bool is_told = sched_getaffinity(0, bytes, set) == 0;
    const int count = is_told ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (is_told) return count;
  }
  return NumProcessors();
}

}  // namespace wavemt
