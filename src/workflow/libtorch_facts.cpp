#include "workflow/libtorch_facts.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/torch.h>
#include <torch/version.h>

namespace wavemt {
namespace {

// The first two numbers of a text like "Intel(R) ... Version 2024.2-Product Build ...".
std::string MklVersion(const std::string& text) {
  const std::string begin = "Version ";
  const size_t found = text.find(begin);
  if (found == std::string::npos) return "";
  const size_t number = found + begin.size();
  return " " + text.substr(number, text.find_first_not_of("0123456789.", number) - number);
}

}  // namespace

LibTorchFacts DescribeLibTorch() {
  LibTorchFacts facts = {.version = TORCH_VERSION, .capability = at::get_cpu_capability()};
  if (at::hasMKL()) facts.mkl = "MKL" + MklVersion(at::get_mkl_version());
  if (at::globalContext().hasCUDART()) {
    const auto version = at::globalContext().versionCUDART();
    facts.cuda = fmt::format("{}.{}", version / 1000, version % 1000 / 10);
  }
  return facts;
}

std::string WhyLibTorchHasNoGpu() {
  if (torch::cuda::is_available()) return "";
  try {
    torch::zeros({1}, torch::kCUDA);
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  }
  return "";
}

}  // namespace wavemt
