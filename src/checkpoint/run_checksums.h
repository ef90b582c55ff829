#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// RUN_DIR/checksums.json lists sizes and checksums of config.json and the tokenizers, so that a
/// run is never used with others than those it was trained with. Runs of older versions lack this
/// file.
inline constexpr std::string_view kRunChecksumsFile = "checksums.json";

/// The contents of checksums.json for a new run with `files` (name -> contents).
std::string RunChecksums(const std::map<std::string, std::string>& files);

/// Reads a file of a run. Throws a usage error if it does not match checksums.json; without
/// checksums.json, nothing is checked.
std::string ReadRunFile(const std::filesystem::path& run, const std::string& name);

/// Whether the run has the file, or lists one that is now missing.
bool HasRunFile(const std::filesystem::path& run, const std::string& name);

/// Replaces a run's file, and its checksum if the run has checksums. If the process is killed
/// meanwhile, ReadRunFile() accepts whichever file is there then, the old or the new one.
void ReplaceRunFile(const std::filesystem::path& run, const std::string& name,
                    std::string_view contents);

}  // namespace wavemt
