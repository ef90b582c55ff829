#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_tokenizer.h"
#include "data/tokenizer.h"

namespace wavemt {

/// What the token ids of a corpus depend on, as texts to compare: equal texts mean equal ids.
struct CorpusOrigin {
  std::string settings;  // Names of the files, tokenizers, longest sentence and so on.
  std::string stamps;    // Sizes and times of the files.
  std::string contents;  // Checksums of the files.
};

/// CorpusOrigin::settings. Does not open the files.
std::string SettingsOf(const TrainingCorpus& corpus, const TokenizerPair& tokenizers,
                       const TokenizeOptions& options);

/// CorpusOrigin::stamps: sizes and times of the last change of contents (mtime) and of status
/// (ctime). As long as they are equal, nobody has written to the files, because programs cannot set
/// the ctime. Throws a usage error that names the file if one is missing.
std::string StampsOf(const TrainingCorpus& corpus);

/// CorpusOrigin::contents. Reads all files, and shows the progress as that of `name`.
std::string ContentsOf(const TrainingCorpus& corpus, const std::string& name);

/// Total size of the files on disk, in bytes.
int64_t FileBytes(const TrainingCorpus& corpus);
/// Total size of their text, in bytes; an estimate for compressed files.
int64_t TextBytes(const TrainingCorpus& corpus);

}  // namespace wavemt
