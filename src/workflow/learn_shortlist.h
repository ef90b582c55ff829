#pragma once

#include <filesystem>

#include "data/shortlist.h"

namespace wavemt {

/// Learns a shortlist for the model that `path` names (see LocateModel() in run_directory.h) from
/// the text that it was trained on, data.train of its config, and writes it to `output`.
void LearnShortlist(const std::filesystem::path& path, const std::filesystem::path& output,
                    const Shortlist::Options& options);

/// Reads a shortlist for a model with these tokenizers.
Shortlist ReadShortlist(const std::filesystem::path& path, const TokenizerPair& tokenizers);

}  // namespace wavemt
