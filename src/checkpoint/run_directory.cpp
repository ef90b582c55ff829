#include "checkpoint/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_checksums.h"
#include "support/error.h"
#include "support/files.h"
#include "support/folder_lock.h"
#include "support/logging.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kStepPrefix = "step-";
constexpr std::string_view kAverageName = "average";
constexpr size_t kMaxNameBytes = 64;  // Read from a file that names a checkpoint.

std::string StepName(int64_t step) { return fmt::format("{}{:08}", kStepPrefix, step); }

std::optional<int64_t> StepOfName(std::string_view name) {
  if (!name.starts_with(kStepPrefix)) return std::nullopt;
  name.remove_prefix(kStepPrefix.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

bool IsCheckpointName(std::string_view name) { return name == kAverageName || StepOfName(name); }

// Without a trailing slash, so that appending to the name gives a sibling.
fs::path AbsolutePath(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

bool IsMountPoint(const fs::path& path) {
  struct statx info {};
  return statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// A config.json alone is not enough: a folder with a corpus may contain one.
bool IsRun(const fs::path& path) {
  return IsFolder(path) && IsFile(path / "config.json") && IsFolder(path / "checkpoints");
}

bool IsCheckpoint(const fs::path& path) { return IsFile(path / kManifestFile); }

// The files that training writes into a run. Users may keep other files there, such as
// translations.
bool IsRunFile(std::string_view name) {
  return name == "config.json" || name == kRunChecksumsFile || name == "metrics.jsonl";
}

bool IsCheckpointsFile(std::string_view name) {
  return IsCheckpointName(name) || name == "latest" || name == "best";
}

// The best step so far according to a checkpoint's state.
std::optional<int64_t> BestStepOf(const Json& state) {
  const bool known = state.is_object() && state.value("best_score", Json()).is_number() &&
                     state.value("best_step", Json()).is_number_unsigned();
  return known ? std::optional(state["best_step"].get<int64_t>()) : std::nullopt;
}

// The run that contains a file or folder.
fs::path RunContaining(const fs::path& path) {
  if (auto run = FindRunContaining(path)) return *run;
  throw UsageError("{}: is not inside a run: no folder above it has config.json and checkpoints",
                   path.string());
}

}  // namespace

RunDirectory::RunDirectory(fs::path path, std::shared_ptr<const RunLock> lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

fs::path RunDirectory::ResolvePath(const fs::path& path) {
  fs::path target = AbsolutePath(path);
  const bool exists = Exists(path);  // Throws if the links form a cycle.
  std::error_code error;
  if (!fs::is_symlink(target, error)) return target;
  if (exists) return fs::canonical(target);
  while (fs::is_symlink(target, error)) target = target.parent_path() / fs::read_symlink(target);
  return fs::weakly_canonical(target);
}

void RunDirectory::RequireFree(const fs::path& path, bool overwrite) {
  if (!Exists(path)) return;
  if (!IsFolder(path)) {
    throw UsageError("{}: is a file; name a folder for the run", path.string());
  }
  if (IsMountPoint(path)) {
    throw UsageError("{}: is a mount point, which a run cannot replace; name a folder inside it",
                     path.string());
  }
  std::error_code ignored;
  if (fs::is_empty(path, ignored)) return;
  if (!IsRun(path)) {
    throw UsageError("{}: exists and is not a run of wavemt; name another folder", path.string());
  }
  if (!overwrite) {
    throw UsageError(
        "{}: already holds a run; continue it with `wavemt resume {}`, name another "
        "folder, or replace it with --overwrite",
        path.string(), path.string());
  }
}

void RunDirectory::RequireIdle(const fs::path& path) {
  if (IsRun(path)) const RunLock tried(AbsolutePath(path));
}

RunDirectory RunDirectory::Create(const fs::path& path,
                                  const std::map<std::string, std::string>& files, bool overwrite) {
  const fs::path absolute = ResolvePath(path);
  MakeDirectories(absolute.parent_path());
  // If two processes create the same run, the second one waits here and is then refused.
  const FolderLock creation_lock(absolute.parent_path());
  if (creation_lock.held()) RestoreMovedAside(absolute);
  RequireFree(path, overwrite);
  std::optional<RunLock> old_lock;
  if (IsRun(absolute)) old_lock.emplace(absolute);
  if (creation_lock.held()) TidyUnfinishedOf(absolute);
  StagedDirectory staged(absolute);
  Fill(staged.path(), files);
  MakeDirectories(staged.path() / "tensorboard");
  auto lock = std::make_shared<const RunLock>(staged.path());
  // The old run stays until the new one is complete.
  if (old_lock) {
    staged.Replace();
  } else {
    staged.Commit();
  }
  return {absolute, std::move(lock)};
}

void RunDirectory::Fill(const fs::path& staged, const std::map<std::string, std::string>& files) {
  for (const auto& [name, contents] : files) WriteFileAtomically(staged / name, contents);
  WriteFileAtomically(staged / kRunChecksumsFile, RunChecksums(files));
  MakeDirectories(staged / "checkpoints");
}

void RunDirectory::CreateModel(const fs::path& path,
                               const std::map<std::string, std::string>& files, int64_t step,
                               const NamedTensors& model) {
  const fs::path absolute = ResolvePath(path);
  MakeDirectories(absolute.parent_path());
  RequireFree(path, /*overwrite=*/false);
  StagedDirectory staged(absolute);
  Fill(staged.path(), files);
  const RunDirectory run(staged.path(), /*lock=*/nullptr);
  WriteModelCheckpoint(run.CheckpointPath(step), {.model = model});
  run.SetLatest(step);
  staged.Commit();
}

RunDirectory RunDirectory::Open(const fs::path& path) {
  if (!Exists(path)) throw UsageError("{}: no such run", path.string());
  if (!IsRun(path)) {
    throw UsageError("{}: is not a run of wavemt: it holds no config.json and checkpoints",
                     path.string());
  }
  return {AbsolutePath(path), nullptr};
}

bool RunDirectory::IsAt(const fs::path& path) { return IsRun(path); }

RunDirectory RunDirectory::OpenForTraining(const fs::path& path) {
  const fs::path resolved = ResolvePath(path);
  const FolderLock creation_lock(resolved.parent_path());
  if (creation_lock.held()) RestoreMovedAside(resolved);
  RunDirectory run = Open(path);
  run.path_ = resolved;  // Like Create(): the target of a link may change later.
  run.lock_ = std::make_shared<const RunLock>(run.path_);
  // Only now is this known to be a run that no other process is training.
  if (creation_lock.held()) TidyUnfinishedOf(run.path_);
  TidyUnfinished(run.path_, IsRunFile);
  TidyUnfinished(run.CheckpointsPath(), IsCheckpointsFile);
  return run;
}

fs::path RunDirectory::CheckpointPath(int64_t step) const {
  return CheckpointsPath() / StepName(step);
}

fs::path RunDirectory::AveragePath() const { return CheckpointsPath() / kAverageName; }

void RunDirectory::RequireAverageIsOurs() const {
  const fs::path path = AveragePath();
  if (!Exists(path) || HasManifest(path)) return;
  throw UsageError(
      "{}: is no checkpoint, but has the name of the average that training.average_best makes; "
      "move it elsewhere",
      path.string());
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

std::string RunDirectory::PointedName(std::string_view pointer) const {
  const fs::path path = CheckpointsPath() / pointer;
  if (!IsFile(path)) return "";
  std::string text = ReadFile(path, kMaxNameBytes);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<int64_t> RunDirectory::PointedStep(std::string_view pointer) const {
  const auto step = StepOfName(PointedName(pointer));
  if (!step || !IsCheckpoint(CheckpointPath(*step))) return std::nullopt;
  return step;
}

bool RunDirectory::BestIsAverage() const {
  return PointedName("best") == kAverageName && IsCheckpoint(AveragePath());
}

void RunDirectory::SetPointer(std::string_view pointer, std::string_view checkpoint) const {
  WriteFileAtomically(CheckpointsPath() / pointer, fmt::format("{}\n", checkpoint));
}

void RunDirectory::SetLatest(int64_t step) const { SetPointer("latest", StepName(step)); }

void RunDirectory::SetBest(int64_t step) const { SetPointer("best", StepName(step)); }

void RunDirectory::SetBestToAverage() const { SetPointer("best", kAverageName); }

void RunDirectory::RepairPointers(int64_t step, std::optional<int64_t> best_step) const {
  if (LatestStep() != step) SetLatest(step);
  if (BestStep() == best_step && !BestIsAverage()) return;
  if (best_step && IsCheckpoint(CheckpointPath(*best_step))) {
    SetBest(*best_step);
  } else {
    std::error_code ignored;
    fs::remove(CheckpointsPath() / "best", ignored);
  }
}

std::optional<fs::path> RunDirectory::CheckedBest() const {
  if (BestIsAverage()) return AveragePath();
  const std::optional<int64_t> step = CheckedBestStep();
  return step ? std::optional(CheckpointPath(*step)) : std::nullopt;
}

std::optional<int64_t> RunDirectory::CheckedBestStep() const {
  const std::optional<int64_t> pointed = BestStep();
  for (std::vector<int64_t> steps = CheckpointSteps(); !steps.empty(); steps.pop_back()) {
    // Checkpoints older than the one that the pointer names cannot know about it.
    if (pointed && steps.back() < *pointed) break;
    std::optional<int64_t> known;
    try {
      known = BestStepOf(ReadCheckpointState(CheckpointPath(steps.back())));
    } catch (const Error&) {
      continue;  // The error appears when that checkpoint is used.
    }
    if (!known || known == pointed || !IsCheckpoint(CheckpointPath(*known))) break;
    const std::optional<int64_t> taken = pointed ? pointed : known;
    spdlog::warn("{}: names {}, but the best checkpoint according to {} is {}; using {}",
                 (CheckpointsPath() / "best").string(), pointed ? StepName(*pointed) : "none",
                 StepName(steps.back()), StepName(*known), StepName(*taken));
    return taken;
  }
  return pointed;
}

std::optional<int64_t> RunDirectory::CheckedLatestStep() const {
  const std::optional<int64_t> pointed = LatestStep();
  const std::vector<int64_t> steps = CheckpointSteps();
  if (!pointed || *pointed == steps.back()) return pointed ? pointed : NewestModelStep();
  spdlog::warn("{}: names {}, but the newest checkpoint is {}; using the former",
               (CheckpointsPath() / "latest").string(), StepName(*pointed), StepName(steps.back()));
  return pointed;
}

std::optional<int64_t> RunDirectory::NewestWholeStep() const {
  return NewestStepThat(VerifyCheckpoint, "continue from");
}

std::optional<int64_t> RunDirectory::NewestModelStep() const {
  return NewestStepThat(VerifyCheckpointModel, "translate with");
}

std::optional<int64_t> RunDirectory::NewestStepThat(void (*verify)(const fs::path&),
                                                    std::string_view use) const {
  std::vector<int64_t> steps = CheckpointSteps();
  if (steps.empty()) return std::nullopt;
  for (; !steps.empty(); steps.pop_back()) {
    try {
      verify(CheckpointPath(steps.back()));
      return steps.back();
    } catch (const Error& error) {
      spdlog::warn("{}{}", error.what(),
                   steps.size() > 1 ? "; trying the checkpoint before it" : "");
    }
  }
  throw UsageError("{}: holds no checkpoint to {}: every one is damaged or lacks a file",
                   path_.string(), use);
}

void RunDirectory::RemoveOldCheckpoints(int64_t keep_last, int64_t newest,
                                        std::span<const int64_t> best_steps) const {
  TidyUnfinished(CheckpointsPath(), IsCheckpointsFile);
  std::vector<int64_t> steps = CheckpointSteps();
  std::erase_if(steps, [&](int64_t step) { return step > newest; });
  std::optional<int64_t> best;
  try {
    best = BestStep();
  } catch (const Error& error) {
    spdlog::warn("{}; old checkpoints are kept until it can be read", error.what());
    return;
  }
  const auto kept = static_cast<size_t>(keep_last);
  steps.resize(steps.size() > kept ? steps.size() - kept : 0);
  for (const int64_t step : steps) {
    if (step == best || std::ranges::find(best_steps, step) != best_steps.end()) continue;
    if (const std::error_code error = RemoveDirectory(CheckpointPath(step))) {
      spdlog::warn("{}: cannot be removed: {}", CheckpointPath(step).string(), error.message());
    }
  }
}

void RequireFreeFolder(const fs::path& folder, std::string_view option) {
  if (!Exists(folder) || (IsFolder(folder) && fs::is_empty(folder))) return;
  throw UsageError("{}{}{}: already exists; name a folder that does not", option,
                   option.empty() ? "" : " ", folder.string());
}

std::optional<int64_t> StepOfCheckpoint(const fs::path& path) {
  for (const fs::path& folder : {path, path.parent_path()}) {
    const std::string name = folder.filename().string();
    if (const auto step = StepOfName(name)) return step;
    if (name != kAverageName || !IsCheckpoint(folder) || !HasCheckpointState(folder)) continue;
    return JsonCount(ReadCheckpointState(folder), "step", (folder / kStateFile).string());
  }
  return std::nullopt;
}

std::optional<fs::path> FindRunContaining(const fs::path& path) {
  constexpr int kMaxDepth = 4;
  fs::path folder = AbsolutePath(path);
  for (int depth = 0; depth < kMaxDepth && folder.has_parent_path(); ++depth) {
    folder = folder.parent_path();
    if (IsRun(folder)) return folder;
  }
  return std::nullopt;
}

std::vector<int64_t> CheckpointStepsIn(const fs::path& path) {
  return IsRun(path) ? RunDirectory::Open(path).CheckpointSteps() : std::vector<int64_t>();
}

namespace {

// Follows checkpoints/best or latest, or another text file that names a checkpoint in its folder.
std::optional<ModelLocation> LocatePointed(const fs::path& path) {
  const fs::path folder = AbsolutePath(path).parent_path();
  if (folder.filename() == "checkpoints" && IsRun(folder.parent_path())) {
    const RunDirectory run = RunDirectory::Open(folder.parent_path());
    std::optional<fs::path> checkpoint;
    if (path.filename() == "best") checkpoint = run.CheckedBest();
    if (path.filename() == "latest") {
      const std::optional<int64_t> step = run.CheckedLatestStep();
      if (step) checkpoint = run.CheckpointPath(*step);
    }
    if (checkpoint) return ModelLocation{.run = run.path(), .checkpoint = *std::move(checkpoint)};
  }
  std::string text = ReadFile(path, kMaxNameBytes);
  text.resize(std::min(text.find('\n'), text.size()));
  if (!IsCheckpointName(text) || !IsCheckpoint(folder / text)) return std::nullopt;
  return ModelLocation{.run = RunContaining(folder / text), .checkpoint = folder / text};
}

}  // namespace

ModelLocation LocateModel(const fs::path& path) {
  if (!Exists(path)) throw UsageError("{}: no such run or checkpoint", path.string());
  if (IsFile(path)) {
    if (path.extension() == ".safetensors") return {.run = RunContaining(path), .checkpoint = path};
    if (const auto named = LocatePointed(path)) return *named;
    throw UsageError("{}: is neither a run, a checkpoint nor a .safetensors file", path.string());
  }
  if (IsCheckpoint(path)) return {.run = RunContaining(path), .checkpoint = path};
  const RunDirectory run = RunDirectory::Open(path);
  if (auto best = run.CheckedBest()) return {.run = run.path(), .checkpoint = *std::move(best)};
  const std::optional<int64_t> step = run.NewestModelStep();
  if (!step) throw UsageError("{}: holds no checkpoint yet", path.string());
  return {.run = run.path(), .checkpoint = run.CheckpointPath(*step)};
}

}  // namespace wavemt
