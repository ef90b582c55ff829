#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_lock.h"
#include "support/error.h"

namespace wavemt {

/// The folder of one training run:
///   config.json                 the complete config, with all defaults
///   checksums.json              see run_checksums.h
///   tokenizer.model             or source.model and target.model
///   metrics.jsonl, samples.jsonl, starts.jsonl, tensorboard/
///   checkpoints/step-00001000/  see checkpoint.h
///   checkpoints/average/        once training has ended, the mean of its best checkpoints, if
///                               training.average_best asks for it; without an optimizer
///   checkpoints/latest, checkpoints/best   text files that name a checkpoint; `latest` never names
///                               the average
class RunDirectory {
 public:
  /// Creates a new run with `files` (name -> contents). It appears complete or not at all, and is
  /// locked until the last copy of the returned object is destroyed. A usage error if `path`
  /// exists, unless it is an empty folder or, with `overwrite`, a run that no process is training.
  static RunDirectory Create(const std::filesystem::path& path,
                             const std::map<std::string, std::string>& files, bool overwrite);

  /// Creates a run, complete or not at all, with `files` and one checkpoint that holds only
  /// `model`: for translating, not for training. A usage error if `path` exists and is not an empty
  /// folder.
  static void CreateModel(const std::filesystem::path& path,
                          const std::map<std::string, std::string>& files, int64_t step,
                          const NamedTensors& model);

  /// The absolute path that Create() uses for `path`: if it is a link, the link's target, which
  /// need not exist.
  static std::filesystem::path ResolvePath(const std::filesystem::path& path);

  /// Throws the usage errors of Create() without creating anything, to report them early.
  static void RequireFree(const std::filesystem::path& path, bool overwrite);

  /// Throws a usage error if another process is training the run at `path`, to report it early.
  static void RequireIdle(const std::filesystem::path& path);

  /// Opens an existing run for reading. A usage error if `path` is not a run.
  static RunDirectory Open(const std::filesystem::path& path);

  /// Opens an existing run for training: locks it like Create(), and removes what a killed process
  /// left unfinished in it. A usage error if another process holds the lock.
  static RunDirectory OpenForTraining(const std::filesystem::path& path);

  /// Names a run that another process writes: nothing is checked or locked.
  static RunDirectory WithoutLock(const std::filesystem::path& path) { return {path, nullptr}; }

  /// Whether a run is at `path`.
  static bool IsAt(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path ConfigPath() const { return path_ / "config.json"; }
  std::filesystem::path MetricsPath() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path SamplesPath() const { return path_ / "samples.jsonl"; }
  std::filesystem::path StartsPath() const { return path_ / "starts.jsonl"; }
  std::filesystem::path TensorboardPath() const { return path_ / "tensorboard"; }
  std::filesystem::path CheckpointPath(int64_t step) const;
  std::filesystem::path AveragePath() const;

  /// A usage error if something that no training made has the name of the average, which would
  /// replace it.
  void RequireAverageIsOurs() const;

  /// The steps that have a checkpoint, oldest first.
  std::vector<int64_t> CheckpointSteps() const;
  /// The step that checkpoints/latest or best names, if that checkpoint exists.
  std::optional<int64_t> LatestStep() const { return PointedStep("latest"); }
  std::optional<int64_t> BestStep() const { return PointedStep("best"); }
  /// Whether checkpoints/best names the average, and that exists.
  bool BestIsAverage() const;
  /// What the pointers name, checked against the newest checkpoint. A pointer may be damaged, or
  /// the process may have been killed before updating it. If it names a different checkpoint, a
  /// warning says so; if it names none, the newest checkpoint's information is used. The average
  /// is not checked: training that goes on makes `best` name a step first (RepairPointers()).
  std::optional<int64_t> CheckedLatestStep() const;
  std::optional<std::filesystem::path> CheckedBest() const;
  void SetLatest(int64_t step) const;
  void SetBest(int64_t step) const;
  void SetBestToAverage() const;
  /// Sets the pointers to what the checkpoint of `step` says, in case a process was killed after
  /// writing it but before updating them, or `best` names the average of an earlier end of the
  /// training. If the best checkpoint does not exist, removes its pointer.
  void RepairPointers(int64_t step, std::optional<int64_t> best_step) const;

  /// The newest checkpoint from which training can continue; nothing if there are no checkpoints.
  /// Warns about newer ones that are damaged or incomplete; if all are, throws a usage error.
  std::optional<int64_t> NewestWholeStep() const;
  /// The same for translating, which needs only the model.
  std::optional<int64_t> NewestModelStep() const;

  /// Removes all checkpoints up to `newest` except the last `keep_last`, the one that
  /// checkpoints/best names and those of `best_steps`, and what killed processes left unfinished.
  /// The average stays. Checkpoints after `newest` are damaged ones that a resumed run has not
  /// replaced yet; they are ignored. To be called only by the process that holds the lock.
  void RemoveOldCheckpoints(int64_t keep_last, int64_t newest,
                            std::span<const int64_t> best_steps = {}) const;

 private:
  RunDirectory(std::filesystem::path path, std::shared_ptr<const RunLock> lock);
  // Writes the initial contents of a run into its staging folder.
  static void Fill(const std::filesystem::path& staged,
                   const std::map<std::string, std::string>& files);
  std::filesystem::path CheckpointsPath() const { return path_ / "checkpoints"; }
  std::optional<int64_t> NewestStepThat(void (*verify)(const std::filesystem::path&),
                                        std::string_view use) const;
  // The text of a pointer; "" if there is none.
  std::string PointedName(std::string_view pointer) const;
  std::optional<int64_t> PointedStep(std::string_view pointer) const;
  std::optional<int64_t> CheckedBestStep() const;
  void SetPointer(std::string_view pointer, std::string_view checkpoint) const;

  std::filesystem::path path_;
  std::shared_ptr<const RunLock> lock_;  // Null if the run is only read.
};

/// Where a model named on the command line was found.
struct ModelLocation {
  std::filesystem::path run;         // The folder with config.json and the tokenizer.
  std::filesystem::path checkpoint;  // A checkpoint's folder, or a single safetensors file.
};

/// A usage error if `folder`, which is to be made, exists and is not an empty folder; to be called
/// before the work whose result goes there. `option`: what named it, "" for an argument.
void RequireFreeFolder(const std::filesystem::path& folder, std::string_view option = "");

/// The step according to the name of a checkpoint's folder, or for an average the one at which its
/// training ended, for that folder or a file in it; nothing for other paths.
std::optional<int64_t> StepOfCheckpoint(const std::filesystem::path& path);

/// The run that a file or folder lies in; nothing if none of the folders above it is a run.
std::optional<std::filesystem::path> FindRunContaining(const std::filesystem::path& path);

/// Finds the model for a path to a run (its best checkpoint, which may be the average, or else the
/// newest one), a checkpoint's folder, checkpoints/best or latest, or a safetensors file inside a
/// run. A usage error otherwise.
ModelLocation LocateModel(const std::filesystem::path& path);

/// The steps of the checkpoints of a run; none if `path` is not a run.
std::vector<int64_t> CheckpointStepsIn(const std::filesystem::path& path);

/// Returns read(LocateModel(path)). If a run in training removes the checkpoint while it is read,
/// `read` is called again for a newer one.
template <typename Read>
auto ReadModelAt(const std::filesystem::path& path, Read read) {
  constexpr int kMaxAttempts = 20;
  for (int attempt = 1;; ++attempt) {
    const std::vector<int64_t> steps = CheckpointStepsIn(path);
    try {
      return read(LocateModel(path));
    } catch (const Error&) {
      if (attempt == kMaxAttempts || CheckpointStepsIn(path) == steps) throw;
    }
  }
}

}  // namespace wavemt
