#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "support/file_descriptor.h"

namespace wavemt {

/// A file mapped into memory for random access. If a page can no longer be read (the disk fails,
/// or another program truncates the file), the process exits with code 1 and a message that names
/// the file, instead of dying from SIGBUS.
class MappedFile {
 public:
  /// Throws a Failure that names the file if it cannot be opened or mapped or is not a regular
  /// file.
  explicit MappedFile(std::filesystem::path path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::span<const char> bytes() const { return bytes_; }

  /// Copies bytes from the file without going through the mapping: errors are thrown as a Failure,
  /// and no mapped pages become resident. REQUIRES: the range is within the file.
  void Read(uint64_t offset, std::span<char> bytes) const;

  /// Releases the resident pages of the mapping. They stay in the system's file cache and are
  /// mapped again on the next access.
  void Release() const;

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::span<const char> bytes_;
};

}  // namespace wavemt
