#include "model/out_of_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "support/memory.h"

namespace wavemt {
namespace {

void ReleaseCaches() {
  ReleaseFreedMemory();
  if (!torch::cuda::is_available()) return;
  auto* gpu_allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA));
  if (gpu_allocator != nullptr && gpu_allocator->initialized()) gpu_allocator->emptyCache();
}

}  // namespace

bool IsOutOfMemory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  if (torch_error == nullptr) return false;
  // LibTorch has no exception type for these.
  constexpr auto kTexts = std::to_array<std::string_view>(
      {"DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory",
       "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"});
  const std::string_view message = torch_error->what_without_backtrace();
  return std::any_of(kTexts.begin(), kTexts.end(), [&](std::string_view text) {
    return message.find(text) != std::string_view::npos;
  });
}

bool FitsMemory(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    if (!IsOutOfMemory(error)) throw;
  }
  // After the handler, because only now is the exception destroyed, with any tensors it holds.
  ReleaseCaches();
  return false;
}

}  // namespace wavemt
