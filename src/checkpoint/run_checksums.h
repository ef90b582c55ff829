#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// RUN_DIR/checksums.json: sizes and checksums of config.json and the tokenizers, so that a run is
/// never read by other ones than it was trained with. A run of an older version has none.
inline constexpr std::string_view kRunChecksumsFile = "checksums.json";

/// The text of checksums.json for a new run that holds `files` (name -> contents).
std::string RunChecksums(const std::map<std::string, std::string>& files);

/// The bytes of a run's file. A usage error where they are not those that checksums.json lists;
/// without that file they are taken as they are.
std::string ReadRunFile(const std::filesystem::path& run, const std::string& name);

/// Whether the run has the file, or lists one that has got lost.
bool HasRunFile(const std::filesystem::path& run, const std::string& name);

/// Replaces a run's file, and its checksum where the run has them. Wherever the process is killed,
/// ReadRunFile() takes what is there then: the old file or the new one.
void ReplaceRunFile(const std::filesystem::path& run, const std::string& name,
                    std::string_view contents);

}  // namespace wavemt
