#include "support/nvidia_driver.h"

#include <algorithm>
#include <sstream>
#include <system_error>

#include "support/system_file.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// Of "NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build".
std::string NumberOfVersion(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos) {
      return word;
    }
  }
  return "unknown";
}

}  // namespace

NvidiaDriver ReadNvidiaDriver(const fs::path& proc) {
  NvidiaDriver driver;
  const fs::path folder = proc / "driver/nvidia";
  const auto version = ReadSystemFile(folder / "version");
  if (!version) return driver;
  driver.version = NumberOfVersion(ValueInSystemFile(*version, "NVRM version"));
  std::error_code error;
  for (fs::directory_iterator gpu(folder / "gpus", error), end; !error && gpu != end;
       gpu.increment(error)) {
    const std::string text = ReadSystemFile(gpu->path() / "information").value_or("");
    const std::string model = ValueInSystemFile(text, "Model");
    driver.gpus.push_back(model.empty() ? "unknown GPU" : model);
  }
  std::ranges::sort(driver.gpus);
  return driver;
}

}  // namespace wavemt
