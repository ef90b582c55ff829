#include "checkpoint/checkpoint.h"

#include <string_view>

#include "checkpoint/safetensors.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kFormat = "wavemt-checkpoint";
constexpr int kVersion = 1;

FileDigest WriteTextFile(const fs::path& path, std::string_view text) {
  OutputFile file(path);
  file.Write(text);
  file.SyncAndClose();
  return {.bytes = file.bytes_written(), .crc32 = file.checksum().Hex()};
}

FileDigest WriteTensorFile(const fs::path& path, const NamedTensors& tensors) {
  OutputFile file(path);
  FileDigest digest = WriteSafetensors(file, tensors);
  file.SyncAndClose();
  return digest;
}

FileDigest DigestOf(const fs::path& path) {
  Crc32 checksum;
  int64_t bytes = 0;
  ReadInPieces(path, [&](std::string_view piece) {
    checksum.Add(piece.data(), piece.size());
    bytes += static_cast<int64_t>(piece.size());
  });
  return {.bytes = bytes, .crc32 = checksum.Hex()};
}

void VerifyFile(const fs::path& directory, std::string_view name, const Json& manifest) {
  const fs::path path = directory / name;
  const auto entry = manifest["files"].find(std::string(name));
  if (entry == manifest["files"].end() || !entry->is_object() || !entry->contains("bytes") ||
      !entry->contains("crc32")) {
    throw UsageError("{}: does not list {}", (directory / kManifestFile).string(), name);
  }
  const FileDigest found = DigestOf(path);
  if ((*entry)["bytes"] != found.bytes) {
    throw UsageError("{}: is damaged: {} bytes, but its manifest says {}", path.string(),
                     found.bytes, (*entry)["bytes"].dump());
  }
  if ((*entry)["crc32"] != found.crc32) {
    throw UsageError("{}: is damaged: its checksum is {}, but its manifest says {}", path.string(),
                     found.crc32, (*entry)["crc32"].dump());
  }
}

}  // namespace

void WriteCheckpoint(const fs::path& directory, const Checkpoint& checkpoint) {
  StagedDirectory staged(directory);
  Json files;
  const auto note = [&](std::string_view name, const FileDigest& digest) {
    files[std::string(name)] = {{"bytes", digest.bytes}, {"crc32", digest.crc32}};
  };
  note(kModelFile, WriteTensorFile(staged.path() / kModelFile, checkpoint.model));
  note(kOptimizerFile, WriteTensorFile(staged.path() / kOptimizerFile, checkpoint.optimizer));
  note(kStateFile, WriteTextFile(staged.path() / kStateFile, checkpoint.state.dump(2) + "\n"));
  const Json manifest = {{"format", kFormat}, {"version", kVersion}, {"files", files}};
  WriteTextFile(staged.path() / kManifestFile, manifest.dump(2) + "\n");
  // Read back from the disk: whoever called may remove the checkpoint before this one next.
  for (const auto& [name, digest] : files.items()) ForgetCached(staged.path() / name);
  VerifyCheckpoint(staged.path());
  staged.Replace();
}

namespace {

Json ReadManifest(const fs::path& directory) {
  const fs::path path = directory / kManifestFile;
  Json manifest = ReadJson(path);
  const bool known = manifest.is_object() && manifest.value("format", Json()) == kFormat &&
                     manifest.contains("files") && manifest["files"].is_object();
  if (!known) throw UsageError("{}: is not the manifest of a checkpoint", path.string());
  if (manifest.value("version", Json()) != kVersion) {
    throw UsageError("{}: is of version {}; this program reads version {}", path.string(),
                     manifest.value("version", Json()).dump(), kVersion);
  }
  return manifest;
}

}  // namespace

void VerifyCheckpoint(const fs::path& directory) {
  const Json manifest = ReadManifest(directory);
  for (const std::string_view name : {kModelFile, kOptimizerFile, kStateFile}) {
    VerifyFile(directory, name, manifest);
  }
}

Json ReadCheckpointState(const fs::path& directory) {
  VerifyFile(directory, kStateFile, ReadManifest(directory));
  return ReadJson(directory / kStateFile);
}

Checkpoint ReadCheckpoint(const fs::path& directory) {
  VerifyCheckpoint(directory);
  return {.model = ReadSafetensors(directory / kModelFile),
          .optimizer = ReadSafetensors(directory / kOptimizerFile),
          .state = ReadJson(directory / kStateFile)};
}

NamedTensors ReadCheckpointModel(const fs::path& directory) {
  VerifyCheckpoint(directory);
  return ReadSafetensors(directory / kModelFile);
}

}  // namespace wavemt
