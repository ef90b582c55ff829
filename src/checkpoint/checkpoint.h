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
inline constexpr std::string_view kManifestFile = "manifest.json";

/// Everything that resuming needs; `model` alone is what translating needs, and a checkpoint may
/// hold nothing else: somebody saved space, or it is an average.
struct Checkpoint {
  NamedTensors model;      // Weights to translate with: the moving average where there is one.
  NamedTensors optimizer;  // Moments, and the weights in training where `model` is an average.
  Json state;
};

/// Writes the folder `directory`: whole, synced, listed with sizes and checksums in its manifest
/// and read back, or not there at all. Replaces what stands there: a damaged checkpoint of the same
/// step that a resumed run did not go on from, or one whose validation was cut short.
void WriteCheckpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

/// The same of a checkpoint that holds a model and nothing else.
void WriteModelCheckpoint(const std::filesystem::path& directory, const NamedTensors& model);

/// Compares every file with the manifest. A usage error that names the file that is missing,
/// damaged, or cut short.
void VerifyCheckpoint(const std::filesystem::path& directory);

/// The same of the model's file alone, which is all that translating needs.
void VerifyCheckpointModel(const std::filesystem::path& directory);

/// Verifies and reads a whole checkpoint.
Checkpoint ReadCheckpoint(const std::filesystem::path& directory);

/// Verifies and reads state.json alone.
Json ReadCheckpointState(const std::filesystem::path& directory);

/// Whether the checkpoint holds the state of a training.
bool HasCheckpointState(const std::filesystem::path& directory);

/// Verifies and reads the model alone.
NamedTensors ReadCheckpointModel(const std::filesystem::path& directory);

}  // namespace wavemt
