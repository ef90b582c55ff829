#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace wavemt {

/// The size and checksum of a file.
struct FileDigest {
  int64_t bytes = 0;
  std::string crc32;  // Eight hexadecimal digits.

  bool operator==(const FileDigest&) const = default;
};

/// Reads a whole file. Errors as for ReadInPieces().
FileDigest DigestOfFile(const std::filesystem::path& path);

}  // namespace wavemt
