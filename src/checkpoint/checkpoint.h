#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/named_tensors.h"
#include "support/json.h"

namespace wavemt {

/// The names of the files in a checkpoint's folder.
inline constexpr std::string_view kModelFile = "model.safetensors";
inline constexpr std::string_view kOptimizerFile = "optimizer.safetensors";
inline constexpr std::string_view kStateFile = "state.json";
inline constexpr std::string_view kAdapterFile = "adapter.safetensors";
inline constexpr std::string_view kAdapterInfoFile = "adapter.json";
inline constexpr std::string_view kManifestFile = "manifest.json";

/// Everything needed to resume training. A checkpoint may hold only `model`, which is all that
/// translating needs: someone deleted the rest to save space, or it is an average of checkpoints.
///
/// If an adapter is trained, `model` has its weights alone. They are written to kAdapterFile in
/// place of kModelFile, beside kAdapterInfoFile with what `adapter` says of it and of its base.
struct Checkpoint {
  NamedTensors model{};      // Weights for translating: the moving average, if one is kept.
  NamedTensors optimizer{};  // Moments, and the weights being trained if `model` is an average.
  Json state{};
  Json adapter{};  // Null: the weights are those of a whole model.

  std::string_view ModelFile() const { return adapter.is_null() ? kModelFile : kAdapterFile; }
};

/// Writes a checkpoint to the folder `directory`. It appears only once it is complete: synced,
/// listed in a manifest with sizes and checksums, and read back. Replaces an existing folder, such
/// as a damaged checkpoint of the same step that a resumed run skipped, or one whose validation was
/// interrupted.
void WriteCheckpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

/// The same for a checkpoint from which no training can continue: it gets no optimizer's file, and
/// no state.json if `state` is null.
void WriteModelCheckpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

/// Whether a folder has the manifest of a checkpoint, whose files may be damaged.
bool HasManifest(const std::filesystem::path& directory);

/// Checks every file against the manifest. A usage error names the file that is missing, damaged or
/// truncated.
void VerifyCheckpoint(const std::filesystem::path& directory);

/// The same for the model's file alone, which is all that translating needs.
void VerifyCheckpointModel(const std::filesystem::path& directory);

/// Verifies and reads a whole checkpoint.
Checkpoint ReadCheckpoint(const std::filesystem::path& directory);

/// Verifies and reads state.json alone.
Json ReadCheckpointState(const std::filesystem::path& directory);

/// Whether the checkpoint holds training state, as opposed to a model only.
bool HasCheckpointState(const std::filesystem::path& directory);

/// Verifies and reads the model alone, or the adapter's weights.
NamedTensors ReadCheckpointModel(const std::filesystem::path& directory);

/// Whether the checkpoint holds an adapter in place of a whole model.
bool HasAdapter(const std::filesystem::path& directory);

}  // namespace wavemt
