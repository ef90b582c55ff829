#pragma once

#include <filesystem>
#include <string>

#include "config/config.h"
#include "support/json.h"
#include "workflow/weights_origin.h"

namespace wavemt {

/// Names the weights of a checkpoint.
WeightsOrigin OriginOf(const std::filesystem::path& checkpoint);

/// What adapter.json says: what an adapter is, and which model it belongs to.
struct AdapterInfo {
  AdapterConfig adapter;
  WeightsOrigin base;
};

Json ToJson(const AdapterInfo& info);

/// The checkpoint's folder of the adapter that `path` names: a run (its best checkpoint, or else
/// the newest), a checkpoint, a folder with an adapter's two files, or its adapter.safetensors. A
/// usage error if there is no adapter.
std::filesystem::path LocateAdapter(const std::filesystem::path& path);

/// Reads adapter.json in a folder. A usage error if it is damaged.
AdapterInfo ReadAdapterInfo(const std::filesystem::path& folder);

/// A usage error unless the weights of `base` are those that the adapter in `folder` was trained
/// on.
void RequireBase(const std::filesystem::path& folder, const AdapterInfo& info,
                 const std::filesystem::path& base);

/// "lora of rank 8 for q_proj, v_proj"
std::string AdapterText(const AdapterConfig& adapter);

}  // namespace wavemt
