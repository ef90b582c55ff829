#include "checkpoint/run_directory.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kStepPrefix = "step-";

std::string StepName(int64_t step) { return fmt::format("{}{:08}", kStepPrefix, step); }

std::optional<int64_t> StepOfName(std::string_view name) {
  if (!name.starts_with(kStepPrefix)) return std::nullopt;
  name.remove_prefix(kStepPrefix.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

// Without a slash at the end: the name with something behind it is then a name beside it.
fs::path AbsolutePath(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

// A config.json alone may lie beside somebody's corpus.
bool IsRun(const fs::path& path) {
  return fs::is_regular_file(path / "config.json") && fs::is_directory(path / "checkpoints");
}

bool IsCheckpoint(const fs::path& path) { return fs::is_regular_file(path / kManifestFile); }

// The run around a file or folder inside it.
fs::path RunAround(const fs::path& path) {
  constexpr int kDeepest = 4;
  fs::path folder = AbsolutePath(path);
  for (int depth = 0; depth < kDeepest && folder.has_parent_path(); ++depth) {
    folder = folder.parent_path();
    if (IsRun(folder)) return folder;
  }
  throw UsageError("{}: lies in no run: no config.json and checkpoints in the folders above it",
                   path.string());
}

}  // namespace

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)) {}

void RunDirectory::RequireFree(const fs::path& path, bool overwrite) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  if (!fs::is_directory(path, ignored)) {
    throw UsageError("{}: is a file; name a folder for the run", path.string());
  }
  if (fs::is_empty(path, ignored)) return;
  if (!IsRun(path)) {
    throw UsageError("{}: exists and is not a run of wavemt; name another folder", path.string());
  }
  if (!overwrite) {
    throw UsageError(
        "{}: holds a run already; go on with it by `wavemt resume {}`, name another "
        "folder, or throw it away by --overwrite",
        path.string(), path.string());
  }
}

RunDirectory RunDirectory::Create(const fs::path& path,
                                  const std::map<std::string, std::string>& files, bool overwrite) {
  RequireFree(path, overwrite);
  const fs::path absolute = AbsolutePath(path);
  StagedDirectory staged(absolute);
  for (const auto& [name, contents] : files) WriteFileAtomically(staged.path() / name, contents);
  fs::create_directory(staged.path() / "checkpoints");
  fs::create_directory(staged.path() / "tensorboard");
  // The old run stays until the new one is complete.
  const fs::path old = absolute.string() + ".old" + std::string(kUnfinishedSuffix);
  std::error_code ignored;
  if (IsRun(absolute)) {
    fs::remove_all(old, ignored);
    fs::rename(absolute, old);
  }
  staged.Commit();
  fs::remove_all(old, ignored);
  return RunDirectory(absolute);
}

RunDirectory RunDirectory::Open(const fs::path& path) {
  if (!fs::exists(path)) throw UsageError("{}: no such run", path.string());
  if (!IsRun(path)) {
    throw UsageError("{}: is not a run of wavemt: it holds no config.json and checkpoints",
                     path.string());
  }
  return RunDirectory(AbsolutePath(path));
}

fs::path RunDirectory::CheckpointPath(int64_t step) const {
  return CheckpointsPath() / StepName(step);
}

std::vector<int64_t> RunDirectory::CheckpointSteps() const {
  std::vector<int64_t> steps;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(CheckpointsPath(), ignored)) {
    if (const auto step = StepOfName(entry.path().filename().string())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<int64_t> RunDirectory::PointedStep(std::string_view name) const {
  const fs::path pointer = CheckpointsPath() / name;
  if (!fs::is_regular_file(pointer)) return std::nullopt;
  std::string text = ReadFile(pointer);
  while (text.ends_with('\n')) text.pop_back();
  const auto step = StepOfName(text);
  if (!step || !IsCheckpoint(CheckpointPath(*step))) return std::nullopt;
  return step;
}

void RunDirectory::SetPointer(std::string_view name, int64_t step) const {
  WriteFileAtomically(CheckpointsPath() / name, StepName(step) + "\n");
}

std::optional<int64_t> RunDirectory::NewestWholeStep() const {
  std::vector<int64_t> steps = CheckpointSteps();
  if (steps.empty()) return std::nullopt;
  for (; !steps.empty(); steps.pop_back()) {
    try {
      VerifyCheckpoint(CheckpointPath(steps.back()));
      return steps.back();
    } catch (const Error& error) {
      spdlog::warn("{}; trying the checkpoint before it", error.what());
    }
  }
  throw UsageError("{}: every checkpoint in it is damaged", path_.string());
}

void RunDirectory::RemoveOldCheckpoints(int64_t keep_last) const {
  RemoveUnfinished(CheckpointsPath());
  std::vector<int64_t> steps = CheckpointSteps();
  const auto best = BestStep();
  const auto kept = static_cast<size_t>(keep_last);
  steps.resize(steps.size() > kept ? steps.size() - kept : 0);
  for (const int64_t step : steps) {
    std::error_code error;
    if (step != best) fs::remove_all(CheckpointPath(step), error);
    if (error) {
      spdlog::warn("{}: cannot be removed: {}", CheckpointPath(step).string(), error.message());
    }
  }
}

ModelLocation LocateModel(const fs::path& path) {
  if (!fs::exists(path)) throw UsageError("{}: no such run or checkpoint", path.string());
  if (fs::is_regular_file(path)) {
    if (path.extension() == ".safetensors") return {.run = RunAround(path), .checkpoint = path};
    const fs::path named = path.parent_path() / [&] {
      std::string text = ReadFile(path).substr(0, 64);
      return text.substr(0, text.find('\n'));
    }();
    if (IsCheckpoint(named)) return {.run = RunAround(named), .checkpoint = named};
    throw UsageError("{}: is neither a run, a checkpoint nor a .safetensors file", path.string());
  }
  if (IsCheckpoint(path)) return {.run = RunAround(path), .checkpoint = path};
  const RunDirectory run = RunDirectory::Open(path);
  const auto step = run.BestStep() ? run.BestStep() : run.NewestWholeStep();
  if (!step) throw UsageError("{}: holds no checkpoint yet", path.string());
  return {.run = run.path(), .checkpoint = run.CheckpointPath(*step)};
}

}  // namespace wavemt
