#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The folder of one training run:
///   config.json                 the whole config as it ran
///   tokenizer.model             or source.model and target.model
///   metrics.jsonl, tensorboard/
///   checkpoints/step-00001000/  see checkpoint.h
///   checkpoints/latest, checkpoints/best   text files that name a checkpoint
class RunDirectory {
 public:
  /// Makes a new run that holds `files` (name -> contents): whole, or not at all. Where something
  /// stands in its place: a usage error, unless it is an empty folder, or a run and `overwrite`.
  static RunDirectory Create(const std::filesystem::path& path,
                             const std::map<std::string, std::string>& files, bool overwrite);

  /// The usage error of Create() without making anything, for an early answer.
  static void RequireFree(const std::filesystem::path& path, bool overwrite);

  /// A run that is there; a usage error where `path` holds none.
  static RunDirectory Open(const std::filesystem::path& path);

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
  void SetLatest(int64_t step) const { SetPointer("latest", step); }
  void SetBest(int64_t step) const { SetPointer("best", step); }

  /// The newest checkpoint that is whole; nothing before the first one was written. A newer damaged
  /// one gives a warning that names it; nothing but damaged ones is a usage error.
  std::optional<int64_t> NewestWholeStep() const;

  /// Removes all checkpoints but the newest `keep_last` and the best, and what a killed process
  /// left of one. For the process that writes the run.
  void RemoveOldCheckpoints(int64_t keep_last) const;

 private:
  explicit RunDirectory(std::filesystem::path path);
  std::filesystem::path CheckpointsPath() const { return path_ / "checkpoints"; }
  std::optional<int64_t> PointedStep(std::string_view name) const;
  void SetPointer(std::string_view name, int64_t step) const;

  std::filesystem::path path_;
};

/// A model that the user named on the command line.
struct ModelLocation {
  std::filesystem::path run;         // The folder that holds config.json and the tokenizer.
  std::filesystem::path checkpoint;  // A checkpoint's folder, or a single safetensors file.
};

/// Finds the model of a run (its best checkpoint, else the newest), of a checkpoint's folder, of
/// checkpoints/best or latest, or of a safetensors file inside a run. A usage error otherwise.
ModelLocation LocateModel(const std::filesystem::path& path);

}  // namespace wavemt
