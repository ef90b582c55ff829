#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "checkpoint/named_tensors.h"
#include "support/files.h"

namespace wavemt {

/// What a written file holds, for a manifest.
struct FileDigest {
  int64_t bytes = 0;
  std::string crc32;  // Eight hexadecimal digits.
};

/// Where the checksum of the tensors' data stands.
enum class DataChecksum {
  kElsewhere,  // In a checkpoint's manifest, with that of the rest of the file.
  kInHeader,   // For a file on its own: as the format's metadata, which other readers pass over.
};

/// Writes tensors in the safetensors format (https://github.com/huggingface/safetensors), which
/// Python's `safetensors` reads: 8 bytes of header length, a JSON header, the data. The same
/// tensors give the same bytes. `file` is new; the caller closes it.
FileDigest WriteSafetensors(OutputFile& file, const NamedTensors& tensors,
                            DataChecksum checksum = DataChecksum::kElsewhere);

/// Reads a safetensors file onto the CPU. The file may come from a stranger: everything it says is
/// checked before it is believed (see safetensors_header.h), and memory stays within the file's
/// size and 64 MB. A usage error otherwise, and where the data differs from a checksum in its
/// header; without one, the format itself cannot tell whether the data is what was written.
NamedTensors ReadSafetensors(const std::filesystem::path& path);

/// The same of a file's bytes in memory; `origin` begins error messages.
NamedTensors ReadSafetensors(std::string_view bytes, const std::string& origin);

}  // namespace wavemt
