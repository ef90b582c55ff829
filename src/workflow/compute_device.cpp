#include "workflow/compute_device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <charconv>
#include <optional>

#include "support/error.h"

namespace wavemt {
namespace {

torch::Device RequireGpu(int64_t index) {
  // cuDNN makes a new plan for each batch shape, which takes many times longer than the attention
  // itself.
  at::globalContext().setSDPUseCuDNN(false);
  const auto count = torch::cuda::device_count();
  if (count == 0) {
    throw UsageError(
        "--device cuda: this machine or this build of LibTorch has no GPU; use "
        "--device cpu");
  }
  if (index >= count) {
    throw UsageError("--device cuda:{}: there are only {} GPUs, numbered from 0", index, count);
  }
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

std::optional<int64_t> GpuIndex(std::string_view name) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  int64_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || index < 0 || index > 127) {
    return std::nullopt;
  }
  return index;
}

}  // namespace

torch::Device SelectDevice(const ComputeOptions& options) {
  constexpr int kMaxThreads = 1024;
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw UsageError("--threads {}: must be from 1 to {}", options.threads, kMaxThreads);
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  const std::string& name = options.device;
  if (name == "cpu") return torch::kCPU;
  if (name == "auto")
    return torch::cuda::is_available() ? RequireGpu(0) : torch::Device(torch::kCPU);
  if (name == "cuda") return RequireGpu(0);
  if (const auto index = GpuIndex(name)) return RequireGpu(*index);
  throw UsageError("--device {}: use auto, cpu, cuda or cuda:N", name);
}

std::string DescribeDevice(torch::Device device) {
  if (device.is_cuda()) return device.str();
  const int threads = at::get_num_threads();
  return fmt::format("cpu, {} thread{}, {}", threads, threads == 1 ? "" : "s",
                     at::get_cpu_capability());
}

}  // namespace wavemt
