#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/named_tensors.h"
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

/// Reads adapter.json in a folder. A usage error if it is damaged.
AdapterInfo ReadAdapterInfo(const std::filesystem::path& folder);

/// An adapter as training saves it.
struct TrainedAdapter {
  std::filesystem::path folder;
  AdapterInfo info;
  NamedTensors weights;
};

/// Reads the adapter in a checkpoint's folder, or in a folder with a copy of its two files. A usage
/// error if the files are damaged or do not go together.
TrainedAdapter ReadAdapterIn(const std::filesystem::path& folder);

/// Reads the adapter that `path` names: a run (its best checkpoint, or else the newest), a folder
/// as for ReadAdapterIn(), or the adapter.safetensors in it. A usage error if there is no adapter.
TrainedAdapter ReadAdapter(const std::filesystem::path& path);

/// The base of an adapter, where it was when the adapter was trained. A usage error if nothing is
/// there now.
std::filesystem::path BaseOf(const std::filesystem::path& folder, const AdapterInfo& info);

/// A usage error unless the weights of `base` are those that the adapter in `folder` was trained
/// beside.
void RequireBase(const std::filesystem::path& folder, const AdapterInfo& info,
                 const std::filesystem::path& base);

/// What to do where a whole model is wanted in place of the adapter in `folder`, as the end of a
/// message.
std::string AdviceToMerge(const std::filesystem::path& folder);

/// "lora of rank 8 for q_proj, v_proj"
std::string AdapterText(const AdapterConfig& adapter);

}  // namespace wavemt
