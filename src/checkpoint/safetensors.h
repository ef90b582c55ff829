#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "checkpoint/named_tensors.h"
#include "support/file_digest.h"
#include "support/files.h"

namespace wavemt {

/// Where the checksum of the tensors' data is stored.
enum class DataChecksum {
  kElsewhere,  // In a checkpoint's manifest, which covers the whole file.
  kInHeader,   // In the header's metadata, which other readers ignore: for a standalone file.
};

/// Writes tensors in the safetensors format (https://github.com/huggingface/safetensors), readable
/// by Python's `safetensors`: 8 bytes of header length, a JSON header, the data. The same tensors
/// give the same bytes. REQUIRES: nothing was written to `file` before. The caller closes it.
FileDigest WriteSafetensors(OutputFile& file, const NamedTensors& tensors,
                            DataChecksum checksum = DataChecksum::kElsewhere);

/// Reads a safetensors file onto the CPU. The file is untrusted: its header is fully checked before
/// use (see safetensors_header.h), and memory use is limited to the file's size plus 64 MB. Throws
/// a usage error if the file is malformed or does not match a checksum in its header; without a
/// checksum, altered data goes unnoticed.
NamedTensors ReadSafetensors(const std::filesystem::path& path);

/// The same for a file already in memory. Error messages begin with `origin`.
NamedTensors ReadSafetensors(std::string_view bytes, const std::string& origin);

}  // namespace wavemt
