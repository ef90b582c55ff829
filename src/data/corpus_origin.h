#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_tokenizer.h"
#include "data/tokenizer.h"

namespace wavemt {

/// What the token ids of a corpus come from, as text that is the same if and only if that is.
struct CorpusOrigin {
  std::string settings;  // Names of the files, tokenizers, longest sentence.
  std::string stamps;    // Sizes and times of the files.
  std::string contents;  // Checksums of the files.
};

/// Never reads the files, and names those that are missing.
std::string SettingsOf(const ParallelFiles& files, const TokenizerPair& tokenizers,
                       const TokenizeOptions& options);

/// Sizes and times of modification, of the contents and of what the folder says. As long as they
/// stay the same, nobody has written to the files: the second kind cannot be set back.
std::string StampsOf(const ParallelFiles& files);

/// Checksums. Reads every byte of the files and shows its progress under `name`.
std::string ContentsOf(const ParallelFiles& files, const std::string& name);

/// Bytes of the files as they lie on the disk.
int64_t FileBytes(const ParallelFiles& files);
/// Bytes of the text in them; guessed where it is compressed.
int64_t TextBytes(const ParallelFiles& files);

}  // namespace wavemt
