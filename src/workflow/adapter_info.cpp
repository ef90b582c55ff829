#include "workflow/adapter_info.h"

#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "config/config_fields.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kFormat = "wavemt-adapter";
constexpr int kVersion = 1;

// A model is given an adapter of the size that adapter.json says. What the file says must be true,
// or a few bytes could ask for all memory.
void RequireSizes(const AdapterConfig& adapter, const NamedTensors& weights, const fs::path& file) {
  bool has_any = false;
  const auto require = [&](std::string_view ending, int64_t rows) {
    for (const auto& [name, tensor] : weights) {
      if (!name.ends_with(ending)) continue;
      has_any = true;
      if (tensor.dim() == 2 && tensor.size(0) == rows) continue;
      throw UsageError("{}: \"{}\" has the shape {}, but {} says that it has {} rows",
                       file.string(), name, ShapeText(tensor), kAdapterInfoFile, rows);
    }
  };
  if (adapter.type == AdapterType::kLora) {
    require("_a", adapter.lora_rank);
  } else if (adapter.prefix_hidden_dim == 0) {
    require(".table", adapter.prefix_length);
  } else {
    require(".embedding", adapter.prefix_length);
    require(".in_proj.weight", adapter.prefix_hidden_dim);
  }
  if (!has_any) {
    throw UsageError("{}: does not hold what {} says: {}", file.string(), kAdapterInfoFile,
                     AdapterText(adapter));
  }
}

}  // namespace

WeightsOrigin OriginOf(const fs::path& checkpoint) {
  const fs::path file = IsFolder(checkpoint) ? checkpoint / kModelFile : checkpoint;
  return {.checkpoint = fs::absolute(checkpoint).lexically_normal(), .digest = DigestOfFile(file)};
}

Json ToJson(const AdapterInfo& info) {
  return {{"format", kFormat},
          {"version", kVersion},
          {"adapter", AdapterToJson(info.adapter)},
          {"base",
           {{"checkpoint", info.base.checkpoint.string()},
            {"bytes", info.base.digest.bytes},
            {"crc32", info.base.digest.crc32}}}};
}

AdapterInfo ReadAdapterInfo(const fs::path& folder) {
  const fs::path file = folder / kAdapterInfoFile;
  if (Exists(folder / kManifestFile)) VerifyCheckpointModel(folder);
  const Json json = ReadJson(file);
  const auto refuse = [&](std::string_view what) {
    throw UsageError("{}: {}", file.string(), what);
  };
  if (!json.is_object() || json.value("format", Json()) != kFormat) {
    refuse("does not describe an adapter of wavemt");
  }
  if (json.value("version", Json()) != kVersion) {
    refuse(fmt::format("is of version {}; this program reads version {}",
                       json.value("version", Json()).dump(), kVersion));
  }
  const Json base = json.value("base", Json());
  const bool names_base = base.is_object() && base.value("checkpoint", Json()).is_string() &&
                          base.value("bytes", Json()).is_number_integer() &&
                          base.value("crc32", Json()).is_string();
  if (!names_base) refuse("does not name its base: checkpoint, bytes and crc32");
  AdapterInfo info;
  info.adapter = AdapterFromJson(json.value("adapter", Json()), file);
  if (info.adapter.type == AdapterType::kNone) refuse("adapter.type: none is no adapter");
  info.base = {
      .checkpoint = base["checkpoint"].get<std::string>(),
      .digest = {.bytes = base["bytes"].get<int64_t>(), .crc32 = base["crc32"].get<std::string>()}};
  return info;
}

TrainedAdapter ReadAdapterIn(const fs::path& folder) {
  TrainedAdapter adapter{.folder = folder, .info = ReadAdapterInfo(folder), .weights = {}};
  const fs::path file = folder / kAdapterFile;
  adapter.weights =
      Exists(folder / kManifestFile) ? ReadCheckpointModel(folder) : ReadSafetensors(file);
  RequireSizes(adapter.info.adapter, adapter.weights, file);
  return adapter;
}

TrainedAdapter ReadAdapter(const fs::path& path) {
  if (!Exists(path)) throw UsageError("{}: no such adapter", path.string());
  if (IsFolder(path) && HasAdapter(path)) return ReadAdapterIn(path);
  if (IsFile(path) && path.filename() == kAdapterFile && HasAdapter(path.parent_path())) {
    return ReadAdapterIn(path.parent_path());
  }
  if (IsFile(path) && path.extension() == ".safetensors") {
    throw UsageError(
        "{}: is no adapter: an adapter is a file {} with a file {} beside it, which names its base",
        path.string(), kAdapterFile, kAdapterInfoFile);
  }
  return ReadModelAt(path, [](const ModelLocation& location) {
    if (HasAdapter(location.checkpoint)) return ReadAdapterIn(location.checkpoint);
    throw UsageError("{}: is a whole model, not an adapter", location.checkpoint.string());
  });
}

fs::path BaseOf(const fs::path& folder, const AdapterInfo& info) {
  const fs::path& base = info.base.checkpoint;
  if (IsFolder(base) || IsFile(base)) return base;
  throw UsageError(
      "{0}: its base {1} is not there any more; name the base where it is now, and the adapter "
      "with "
      "--adapter {0}",
      folder.string(), base.string());
}

void RequireBase(const fs::path& folder, const AdapterInfo& info, const fs::path& base) {
  const FileDigest digest = OriginOf(base).digest;
  if (digest == info.base.digest) return;
  throw UsageError(
      "{}: is an adapter for another model than {}: it was trained on {}, whose weights have the "
      "checksum {}, not {}",
      folder.string(), base.string(), info.base.checkpoint.string(), info.base.digest.crc32,
      digest.crc32);
}

std::string AdviceToMerge(const fs::path& folder) {
  if (ReadAdapterInfo(folder).adapter.type != AdapterType::kLora) {
    return "a prefix cannot be made part of a model's weights";
  }
  return fmt::format("make it one first: wavemt merge {} --output DIR", folder.string());
}

std::string AdapterText(const AdapterConfig& adapter) {
  switch (adapter.type) {
    case AdapterType::kNone:
      return "none";
    case AdapterType::kLora: {
      std::vector<std::string_view> names;
      for (const LoraProjection projection : adapter.lora_projections) {
        names.push_back(NameOf(projection));
      }
      return fmt::format("lora of rank {} for {}", adapter.lora_rank, fmt::join(names, ", "));
    }
    case AdapterType::kPrefix:
      return fmt::format("prefix of {} keys and values", adapter.prefix_length);
  }
  return "";
}

}  // namespace wavemt
