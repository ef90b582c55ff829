#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_lock.h"
#include "support/error.h"

namespace wavemt {

/// The folder of one training run:
///   config.json                 the whole config as it ran
///   checksums.json              see run_checksums.h
///   tokenizer.model             or source.model and target.model
///   metrics.jsonl, tensorboard/
///   checkpoints/step-00001000/  see checkpoint.h
///   checkpoints/latest, checkpoints/best   text files that name a checkpoint
class RunDirectory {
 public:
  /// Makes a new run that holds `files` (name -> contents): whole, or not at all, and locked until
  /// the last copy of the returned object is gone. Where something stands in its place: a usage
  /// error, unless it is an empty folder, or `overwrite` and a run that nobody trains.
  static RunDirectory Create(const std::filesystem::path& path,
                             const std::map<std::string, std::string>& files, bool overwrite);

  /// Makes a run, whole or not at all, that holds `files` and one checkpoint with `model` and
  /// nothing else: to translate by, not to train on. A usage error where something stands there.
  static void CreateModel(const std::filesystem::path& path,
                          const std::map<std::string, std::string>& files, int64_t step,
                          const NamedTensors& model);

  /// `path` as Create() takes it: absolute, and where it is a link, what that leads to, whether or
  /// not anything is there yet.
  static std::filesystem::path ResolvePath(const std::filesystem::path& path);

  /// The usage error of Create() without making anything, for an early answer.
  static void RequireFree(const std::filesystem::path& path, bool overwrite);

  /// A usage error where `path` holds a run that another process trains, for an early answer.
  static void RequireIdle(const std::filesystem::path& path);

  /// A run that is there, to read from; a usage error where `path` holds none.
  static RunDirectory Open(const std::filesystem::path& path);

  /// A run that is there, to go on with: locked as by Create(), and without what a killed process
  /// left unfinished in it. A usage error where another process holds the lock.
  static RunDirectory OpenForTraining(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path ConfigPath() const { return path_ / "config.json"; }
  std::filesystem::path MetricsPath() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path TensorboardPath() const { return path_ / "tensorboard"; }
  std::filesystem::path CheckpointPath(int64_t step) const;

  /// Steps that have a checkpoint, oldest first.
  std::vector<int64_t> CheckpointSteps() const;
  /// The step that checkpoints/latest or best names, if its checkpoint is there.
  std::optional<int64_t> LatestStep() const { return PointedStep("latest"); }
  std::optional<int64_t> BestStep() const { return PointedStep("best"); }
  /// The same, compared with what the newest checkpoint knows: where a damaged pointer, or one that
  /// a killed process had not set yet, names another checkpoint, a warning says so; where it names
  /// none, that checkpoint's answer is taken.
  std::optional<int64_t> CheckedLatestStep() const;
  std::optional<int64_t> CheckedBestStep() const;
  void SetLatest(int64_t step) const { SetPointer("latest", step); }
  void SetBest(int64_t step) const { SetPointer("best", step); }
  /// Lets the pointers name what a checkpoint of `step` knows: a process that was killed just
  /// behind writing it had not set them yet. A best checkpoint that is not there is none.
  void RepairPointers(int64_t step, std::optional<int64_t> best_step) const;

  /// The newest checkpoint that training can go on from; nothing before the first one was written.
  /// A newer one that is damaged or lacks a file gives a warning that names it; nothing but such
  /// ones is a usage error.
  std::optional<int64_t> NewestWholeStep() const;
  /// The same of what can be translated by.
  std::optional<int64_t> NewestModelStep() const;

  /// Of the checkpoints up to `newest`, removes all but the last `keep_last` and the best, and what
  /// a killed process left of one. Later ones are damaged ones that a resumed run has not replaced
  /// yet; they do not count. For the process that writes the run.
  void RemoveOldCheckpoints(int64_t keep_last, int64_t newest) const;

 private:
  RunDirectory(std::filesystem::path path, std::shared_ptr<const RunLock> lock);
  // What makes a run, under the name that it has until it is whole.
  static void Fill(const std::filesystem::path& staged,
                   const std::map<std::string, std::string>& files);
  std::filesystem::path CheckpointsPath() const { return path_ / "checkpoints"; }
  std::optional<int64_t> NewestStepThat(void (*verify)(const std::filesystem::path&),
                                        std::string_view use) const;
  std::optional<int64_t> PointedStep(std::string_view name) const;
  void SetPointer(std::string_view name, int64_t step) const;

  std::filesystem::path path_;
  std::shared_ptr<const RunLock> lock_;  // Null: the run is only read.
};

/// A model that the user named on the command line.
struct ModelLocation {
  std::filesystem::path run;         // The folder that holds config.json and the tokenizer.
  std::filesystem::path checkpoint;  // A checkpoint's folder, or a single safetensors file.
};

/// The step that the name of a checkpoint's folder, or of a file in it, tells; nothing for another
/// file.
std::optional<int64_t> StepOfCheckpoint(const std::filesystem::path& path);

/// Finds the model of a run (its best checkpoint, else the newest), of a checkpoint's folder, of
/// checkpoints/best or latest, or of a safetensors file inside a run. A usage error otherwise.
ModelLocation LocateModel(const std::filesystem::path& path);

/// The steps of the checkpoints of a run; none where `path` is no run.
std::vector<int64_t> CheckpointStepsIn(const std::filesystem::path& path);

/// What `read` makes of LocateModel(path). A run in training may remove a checkpoint while it is
/// read; then there is a newer one, and `read` is called again.
template <typename Read>
auto ReadModelAt(const std::filesystem::path& path, Read read) {
  constexpr int kMostAttempts = 20;
  for (int attempt = 1;; ++attempt) {
    const std::vector<int64_t> steps = CheckpointStepsIn(path);
    try {
      return read(LocateModel(path));
    } catch (const Error&) {
      if (attempt == kMostAttempts || CheckpointStepsIn(path) == steps) throw;
    }
  }
}

}  // namespace wavemt
