#include "checkpoint/checkpoint.h"

#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/file_digest.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kManifestFormat = "wavemt-checkpoint";
constexpr int kManifestVersion = 1;

FileDigest WriteTextFile(const fs::path& path, std::string_view text) {
  OutputFile file(path);
  file.Write(text);
  file.SyncAndClose();
  return {.bytes = file.bytes_written(), .crc32 = file.checksum().Hex()};
}

FileDigest WriteTensorFile(const fs::path& path, const NamedTensors& tensors,
                           DataChecksum checksum) {
  OutputFile file(path);
  FileDigest digest = WriteSafetensors(file, tensors, checksum);
  file.SyncAndClose();
  return digest;
}

void VerifyFile(const fs::path& directory, std::string_view name, const Json& manifest) {
  const fs::path path = directory / name;
  const auto entry = manifest["files"].find(std::string(name));
  if (entry == manifest["files"].end() || !entry->is_object() || !entry->contains("bytes") ||
      !entry->contains("crc32")) {
    throw UsageError("{}: does not list {}", (directory / kManifestFile).string(), name);
  }
  const FileDigest found = DigestOfFile(path);
  if ((*entry)["bytes"] != found.bytes) {
    throw UsageError("{}: is damaged: {} bytes, but its manifest says {}", path.string(),
                     found.bytes, (*entry)["bytes"].dump());
  }
  if ((*entry)["crc32"] != found.crc32) {
    throw UsageError("{}: is damaged: its checksum is {}, but its manifest says {}", path.string(),
                     found.crc32, (*entry)["crc32"].dump());
  }
}

// What a checkpoint has to translate with.
std::vector<std::string_view> ModelFilesOf(const fs::path& directory) {
  if (HasAdapter(directory)) return {kAdapterFile, kAdapterInfoFile};
  return {kModelFile};
}

// Writes a checkpoint's files into a staged folder and records their digests.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(const fs::path& directory) : staged_(directory) {}

  void AddTensors(std::string_view name, const NamedTensors& tensors,
                  DataChecksum checksum = DataChecksum::kElsewhere) {
    Record(name, WriteTensorFile(staged_.path() / name, tensors, checksum));
  }
  void AddText(std::string_view name, std::string_view text) {
    Record(name, WriteTextFile(staged_.path() / name, text));
  }
  // The files to translate with.
  void AddModel(const Checkpoint& checkpoint) {
    if (checkpoint.adapter.is_null()) {
      AddTensors(kModelFile, checkpoint.model);
      return;
    }
    // Its two files may be copied elsewhere, without the manifest.
    AddTensors(kAdapterFile, checkpoint.model, DataChecksum::kInHeader);
    AddText(kAdapterInfoFile, JsonText(checkpoint.adapter));
  }
  void AddState(const Json& state) { AddText(kStateFile, state.dump(2) + "\n"); }
  void Finish() {
    const Json manifest = {
        {"format", kManifestFormat}, {"version", kManifestVersion}, {"files", files_}};
    WriteTextFile(staged_.path() / kManifestFile, manifest.dump(2) + "\n");
    // Verify from the disk: the caller may delete the previous checkpoint next.
    for (const auto& [name, digest] : files_.items()) ForgetCached(staged_.path() / name);
    for (const auto& [name, digest] : files_.items()) VerifyFile(staged_.path(), name, manifest);
    staged_.Replace();
  }

 private:
  void Record(std::string_view name, const FileDigest& digest) {
    files_[std::string(name)] = {{"bytes", digest.bytes}, {"crc32", digest.crc32}};
  }

  StagedDirectory staged_;
  Json files_;
};

}  // namespace

void WriteCheckpoint(const fs::path& directory, const Checkpoint& checkpoint) {
  CheckpointWriter writer(directory);
  writer.AddModel(checkpoint);
  writer.AddTensors(kOptimizerFile, checkpoint.optimizer);
  writer.AddState(checkpoint.state);
  writer.Finish();
}

void WriteModelCheckpoint(const fs::path& directory, const Checkpoint& checkpoint) {
  CheckpointWriter writer(directory);
  writer.AddModel(checkpoint);
  if (!checkpoint.state.is_null()) writer.AddState(checkpoint.state);
  writer.Finish();
}

namespace {

Json ReadManifest(const fs::path& directory) {
  const fs::path path = directory / kManifestFile;
  Json manifest = ReadJson(path);
  const bool known = manifest.is_object() && manifest.value("format", Json()) == kManifestFormat &&
                     manifest.contains("files") && manifest["files"].is_object();
  if (!known) throw UsageError("{}: is not the manifest of a checkpoint", path.string());
  if (manifest.value("version", Json()) != kManifestVersion) {
    throw UsageError("{}: is of version {}; this program reads version {}", path.string(),
                     manifest.value("version", Json()).dump(), kManifestVersion);
  }
  return manifest;
}

}  // namespace

bool HasManifest(const fs::path& directory) {
  try {
    ReadManifest(directory);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void VerifyCheckpoint(const fs::path& directory) {
  const Json manifest = ReadManifest(directory);
  for (const std::string_view name : {kOptimizerFile, kStateFile}) {
    if (!Exists(directory / name)) {
      throw UsageError("{}: has no {}, which is needed to continue training", directory.string(),
                       name);
    }
  }
  std::vector<std::string_view> files = ModelFilesOf(directory);
  files.insert(files.end(), {kOptimizerFile, kStateFile});
  for (const std::string_view name : files) VerifyFile(directory, name, manifest);
}

void VerifyCheckpointModel(const fs::path& directory) {
  const Json manifest = ReadManifest(directory);
  for (const std::string_view name : ModelFilesOf(directory)) VerifyFile(directory, name, manifest);
}

bool HasCheckpointState(const fs::path& directory) { return Exists(directory / kStateFile); }

Json ReadCheckpointState(const fs::path& directory) {
  VerifyFile(directory, kStateFile, ReadManifest(directory));
  return ReadJson(directory / kStateFile);
}

Checkpoint ReadCheckpoint(const fs::path& directory) {
  VerifyCheckpoint(directory);
  return {.model = ReadSafetensors(directory / ModelFilesOf(directory).front()),
          .optimizer = ReadSafetensors(directory / kOptimizerFile),
          .state = ReadJson(directory / kStateFile),
          .adapter = HasAdapter(directory) ? ReadJson(directory / kAdapterInfoFile) : Json()};
}

NamedTensors ReadCheckpointModel(const fs::path& directory) {
  VerifyCheckpointModel(directory);
  return ReadSafetensors(directory / ModelFilesOf(directory).front());
}

bool HasAdapter(const fs::path& directory) { return Exists(directory / kAdapterInfoFile); }

}  // namespace wavemt
