#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "config/config_reader.h"

namespace wavemt {

// A folder with a config file to load, for tests of what is in it.
class ConfigFolder {
 public:
  std::filesystem::path path() const { return folder_.path(); }
  std::filesystem::path file() const { return path() / "config.json"; }

  // Writes `text` to config.json and loads it.
  Config Load(const std::string& text, const ConfigOverrides& overrides = {}) const {
    return LoadConfig(folder_.Write("config.json", text), overrides);
  }

  // The smallest config that is accepted, with more keys behind: R"("seed": 2, "model": {...})".
  Config LoadWith(const std::string& keys, const ConfigOverrides& overrides = {}) const {
    return Load(WithTrainingText(keys), overrides);
  }

  // The same with overrides alone.
  Config LoadSet(const ConfigOverrides& overrides) const { return LoadWith("", overrides); }

  // The usage error of each, without the folder's name.
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
    if (const size_t place = message.find(name); place != std::string::npos) {
      message.erase(place, name.size());
    }
    return message;
  }

  TemporaryFolder folder_;
};

// WAVEMT_DATA as one test wants it, and as it was afterwards.
class DataVariable {
 public:
  // Unset where `value` is null.
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
