#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/named_tensors.h"
#include "support/files.h"

namespace wavemt {

/// What a written file holds, for a manifest.
struct FileDigest {
  int64_t bytes = 0;
  std::string crc32;  // Eight hexadecimal digits.
};

/// Writes tensors in the safetensors format (https://github.com/huggingface/safetensors), which
/// Python's `safetensors` reads: 8 bytes of header length, a JSON header, the data. The same
/// tensors give the same bytes. `file` is new; the caller closes it.
FileDigest WriteSafetensors(OutputFile& file, const NamedTensors& tensors);

/// Reads a safetensors file onto the CPU. The file may come from a stranger: everything it says is
/// checked before it is believed, and memory stays near the file's size. A usage error otherwise.
NamedTensors ReadSafetensors(const std::filesystem::path& path);

}  // namespace wavemt
