#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "commands/doctor_findings.h"
#include "config/config_fields.h"
#include "support/error.h"
#include "support/loaded_libraries.h"
#include "support/mkl_kernels.h"
#include "support/nvidia_driver.h"
#include "support/progress.h"
#include "training/precision.h"
#include "workflow/libtorch_facts.h"

namespace wavemt {
namespace {

// The value of an environment variable that is set to something.
std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

// Advice where an environment variable keeps a library from the instructions that are there.
std::string HeldBack() {
  for (const char* name : {"ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA",
                           "DNNL_MAX_CPU_ISA"}) {
    if (const auto value = Variable(name)) {
      return fmt::format("{}={} may keep it from instructions that this processor has; unset it",
                         name, *value);
    }
  }
  return "";
}

void ExamineLibTorch(const LibTorchFacts& libtorch, Diagnosis* diagnosis) {
  diagnosis->findings.push_back(
      {.name = "LibTorch",
       .text = fmt::format("{}, {}, {}", libtorch.version,
                           libtorch.cuda.empty() ? "without CUDA" : "CUDA " + libtorch.cuda,
                           libtorch.capability),
       .advice = HeldBack()});
  std::string products = "no MKL: LibTorch multiplies with another library";
  if (!libtorch.mkl.empty()) {
    products = libtorch.mkl + (MklUsesAllInstructions()
                                   ? ", which chooses its kernels by the instructions"
                                   : ", which chooses its kernels by the processor's maker");
  }
  diagnosis->findings.push_back({.name = "matrix products", .text = std::move(products)});
  diagnosis->facts["libtorch"] = {{"version", libtorch.version},
                                  {"cpu_capability", libtorch.capability},
                                  {"cuda", libtorch.cuda.empty() ? Json() : Json(libtorch.cuda)},
                                  {"mkl", libtorch.mkl.empty() ? Json() : Json(libtorch.mkl)},
                                  {"mkl_uses_all_instructions", MklUsesAllInstructions()}};
}

void ExamineOpenMp(Diagnosis* diagnosis) {
  const std::vector<std::string> libraries = LoadedLibraries({"libgomp", "libiomp", "libomp"});
  std::vector<std::string> names;
  for (const std::string& library : libraries) {
    names.push_back(std::filesystem::path(library).filename().string());
  }
  Finding finding = {.name = "OpenMP",
                     .text = names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))};
  if (names.size() > 1) {
    finding.advice =
        "the threads of several OpenMP runtimes take the cores from each other; look at LD_PRELOAD "
        "and at how wavemt was linked";
  }
  if (names.empty()) finding.advice = "without it, one thread does all the work";
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["openmp"] = libraries;
}

void ExamineGpus(const LibTorchFacts& libtorch, Diagnosis* diagnosis) {
  const NvidiaDriver driver = ReadNvidiaDriver();
  const bool has_driver = !driver.version.empty();
  const std::string why_not =
      libtorch.cuda.empty() ? "it was built without CUDA; WAVEMT_LIBTORCH can name another one "
                              "when wavemt is built"
                            : WhyLibTorchHasNoGpu();
  Finding finding = {.name = "GPUs"};
  if (!driver.gpus.empty()) {
    finding.text =
        fmt::format("{}; NVIDIA's driver {}", fmt::join(driver.gpus, ", "), driver.version);
  } else if (why_not.empty()) {
    finding.text = "LibTorch can use one";  // Where the driver does not say more, as on Windows.
  } else {
    finding.text = has_driver ? fmt::format("none: NVIDIA's driver {} finds no GPU", driver.version)
                              : "none: there is no NVIDIA driver";
  }
  // Without a driver this is just a machine without GPUs.
  if (has_driver && !why_not.empty()) finding.advice = "LibTorch uses no GPU: " + why_not;
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["gpus"] = {{"driver", has_driver ? Json(driver.version) : Json()},
                              {"found", driver.gpus},
                              {"usable", why_not.empty()}};
}

// The cores that threads can share, from what ExamineMachine() found.
int UsableCores(const Json& cores) {
  const int allowed = cores.value("allowed", 1);
  const auto quota = cores.find("quota");
  if (quota == cores.end() || !quota->is_number()) return allowed;
  return std::clamp(static_cast<int>(std::ceil(quota->get<double>())), 1, allowed);
}

void ExamineThreads(const ComputeOptions& options, Diagnosis* diagnosis) {
  const int threads = at::get_num_threads();
  const int cores = UsableCores(diagnosis->facts.at("cores"));
  Finding finding = {.name = "threads", .text = fmt::format("{}", threads)};
  const auto variable = Variable("OMP_NUM_THREADS");
  if (options.threads == 0 && variable) {
    finding.text += fmt::format(" (OMP_NUM_THREADS={})", *variable);
  }
  if (threads > cores) {
    finding.advice =
        fmt::format("these are more than the cores, and wait for each other; --threads {}", cores);
  }
  diagnosis->findings.push_back(std::move(finding));
  diagnosis->facts["threads"] = threads;
}

void ExaminePrecision(torch::Device device, Diagnosis* diagnosis) {
  const PrecisionChoice choice = ChoosePrecision(Config{}, device);
  diagnosis->findings.push_back(
      {.name = "precision",
       .text =
           fmt::format("training.precision \"auto\" is {} here: matrix products of a model with "
                       "the default sizes run {:.2f} times as fast in bf16 as in fp32",
                       NameOf(choice.precision), choice.gain)});
  diagnosis->facts["precision"] = {{"auto", std::string(NameOf(choice.precision))},
                                   {"gain_of_bf16", choice.gain}};
}

// Fatal unless a product on the device is what it must be: a sum of 64 ones, which both types hold.
void ExamineProduct(torch::Device device, Diagnosis* diagnosis) {
  constexpr int64_t kSize = 64;
  const torch::NoGradGuard no_grad;
  for (const auto type : {torch::kFloat, torch::kBFloat16}) {
    const auto ones = torch::ones({kSize, kSize}, torch::TensorOptions(device).dtype(type));
    if ((torch::mm(ones, ones) == static_cast<double>(kSize)).all().item<bool>()) continue;
    diagnosis->findings.push_back({.name = "products",
                                   .text = fmt::format("wrong in {}", torch::toString(type)),
                                   .advice = "LibTorch does not compute correctly on this device",
                                   .is_fatal = true});
  }
}

}  // namespace

void ExamineComputing(const ComputeOptions& options, Diagnosis* diagnosis) {
  const LibTorchFacts libtorch = DescribeLibTorch();
  ExamineLibTorch(libtorch, diagnosis);
  ExamineOpenMp(diagnosis);
  ExamineGpus(libtorch, diagnosis);
  const torch::Device device = SelectDevice(options);
  diagnosis->findings.push_back({.name = "device", .text = DescribeDevice(device)});
  diagnosis->facts["device"] = device.str();
  ExamineThreads(options, diagnosis);
  try {
    ExamineProduct(device, diagnosis);
    ExaminePrecision(device, diagnosis);
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    diagnosis->findings.push_back({.name = "products",
                                   .text = text.substr(0, text.find('\n')),
                                   .advice = "LibTorch cannot compute on this device",
                                   .is_fatal = true});
  }
}

}  // namespace wavemt
