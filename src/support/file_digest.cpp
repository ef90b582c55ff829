#include "support/file_digest.h"

#include <string_view>

#include "support/checksum.h"
#include "support/files.h"

namespace wavemt {

FileDigest DigestOfFile(const std::filesystem::path& path) {
  Crc32 checksum;
  int64_t bytes = 0;
  ReadInPieces(path, [&](std::string_view piece) {
    checksum.Add(piece.data(), piece.size());
    bytes += static_cast<int64_t>(piece.size());
  });
  return {.bytes = bytes, .crc32 = checksum.Hex()};
}

}  // namespace wavemt
