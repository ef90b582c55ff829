#include "training/memory_budget.h"

#include "support/error.h"
#include "support/logging.h"
#include "support/memory.h"
#include "support/progress.h"
#include "training/tensor_memory.h"

namespace wavemt {
namespace {

// For buffers of libraries, thread stacks, a checkpoint being written, and memory that the
// allocator keeps.
constexpr int64_t kReserve = 64 << 20;

// Pages of libraries that are not used until training begins.
constexpr int64_t kLaterPages = 32 << 20;

ProcessMemory RequireProcessMemory() {
  const auto memory = MeasureProcessMemory();
  if (!memory) throw UsageError("--memory-limit: this system does not report a process's memory");
  return *memory;
}

}  // namespace

MemoryLimit MemoryLimit::Begin(int64_t bytes) {
  TensorMemory::BeginCounting();
  return {.bytes = bytes, .program = RequireProcessMemory().file + kLaterPages};
}

std::string MemoryLimit::Description(bool is_gpu) const {
  if (is_gpu) return "the memory of the GPU";
  if (bytes == 0) return "the memory of this machine";
  return fmt::format("a --memory-limit of {}", HumanBytes(static_cast<double>(bytes)));
}

MemoryBudget MemoryBudget::Measure(const MemoryLimit& limit, int64_t planned) {
  TensorMemory::Release();
  const int64_t in_use = TensorMemory::InUse();
  const int64_t other = limit.program + RequireProcessMemory().anonymous - in_use + kReserve;
  const MemoryBudget budget{.limit = limit.bytes, .tensors = limit.bytes - other};
  if (budget.tensors < in_use + planned) {
    throw UsageError("--memory-limit: {} is too little: {} is needed before the first batch",
                     HumanBytes(static_cast<double>(limit.bytes)),
                     HumanBytes(static_cast<double>(other + in_use + planned)));
  }
  return budget;
}

MemoryBudget MemoryBudget::Enforce(const MemoryLimit& limit, const MemoryBudget& before,
                                   int64_t planned, World& world) {
  if (limit.bytes == 0) return before;
  MemoryBudget measured;
  world.Together([&] { measured = Measure(limit, planned); });
  measured.tensors = -world.Max(-measured.tensors);
  const MemoryBudget budget = before.StillHolds(measured) ? before : measured;
  TensorMemory::SetLimit(budget.tensors);
  TensorMemory::SetProcessLimit(limit.bytes - limit.program);
  spdlog::info("memory: of {}, {} is for tensors", limit.Description(/*is_gpu=*/false),
               HumanBytes(static_cast<double>(budget.tensors)));
  return budget;
}

bool MemoryBudget::StillHolds(const MemoryBudget& measured) const {
  return limit == measured.limit && tensors <= measured.tensors + kReserve;
}

}  // namespace wavemt
