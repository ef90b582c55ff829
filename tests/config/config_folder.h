#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "config/config_reader.h"

namespace wavemt {

// A temporary folder for a config file.
class ConfigFolder {
 public:
  std::filesystem::path path() const { return folder_.path(); }
  std::filesystem::path file() const { return path() / "config.json"; }

  // Writes `text` to config.json and loads it.
  Config Load(const std::string& text, const ConfigOverrides& overrides = {}) const {
    return LoadConfig(folder_.Write("config.json", text), overrides);
  }

  // Loads the smallest valid config with `keys` added, for example R"("seed": 2, "model": {...})".
  Config LoadWith(const std::string& keys, const ConfigOverrides& overrides = {}) const {
    return Load(WithTrainingText(keys), overrides);
  }

  // Loads the smallest valid config with overrides only.
  Config LoadSet(const ConfigOverrides& overrides) const { return LoadWith("", overrides); }

  // The usage errors of the three functions above, without the folder's name.
  std::string Refusal(const std::string& text, const ConfigOverrides& overrides = {}) const {
    return WithoutFolder(UsageErrorOf([&] { Load(text, overrides); }));
  }
  std::string RefusalWith(const std::string& keys) const { return Refusal(WithTrainingText(keys)); }
  std::string RefusalSet(const ConfigOverrides& overrides) const {
    return Refusal(WithTrainingText(""), overrides);
  }

  static std::string WithTrainingText(const std::string& keys) {
    return R"({"data": {"train": {"tsv": "train.tsv"}})" + (keys.empty() ? "" : ", " + keys) + "}";
  }

 private:
  std::string WithoutFolder(std::string message) const {
    const std::string name = path().string() + "/";
    if (const size_t begin = message.find(name); begin != std::string::npos) {
      message.erase(begin, name.size());
    }
    return message;
  }

  TemporaryFolder folder_;
};

// Sets the environment variable WAVEMT_DATA and restores it when destroyed.
class DataVariable {
 public:
  // A null `value` unsets it.
  explicit DataVariable(const char* value) {
    if (const char* before = std::getenv("WAVEMT_DATA")) before_ = before;
    Set(value);
  }
  ~DataVariable() { Set(before_.empty() ? nullptr : before_.c_str()); }
  DataVariable(const DataVariable&) = delete;
  DataVariable& operator=(const DataVariable&) = delete;

 private:
  static void Set(const char* value) {
    if (value == nullptr) {
      unsetenv("WAVEMT_DATA");
    } else {
      setenv("WAVEMT_DATA", value, 1);
    }
  }

  std::string before_;
};

}  // namespace wavemt
