#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "support/file_descriptor.h"

namespace wavemt {

/// A file mapped into memory for reading here and there. A part of it that cannot be read any more
/// (the disk fails, another program cuts the file short) ends the process with exit code 1 and a
/// sentence that names the file, where the system would end it by SIGBUS.
class MappedFile {
 public:
  /// A Failure that names the file if it cannot be opened or mapped, or is no regular file.
  explicit MappedFile(std::filesystem::path path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::span<const char> bytes() const { return bytes_; }

  /// Copies bytes from the file, past the mapping: failing is a Failure, and the process's memory
  /// does not grow by them. REQUIRES: they are within the file.
  void Read(uint64_t offset, std::span<char> bytes) const;

  /// Gives back the memory of all pages that were looked at. They stay in the system's file cache
  /// and come again when they are needed.
  void Release() const;

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::span<const char> bytes_;
};

}  // namespace wavemt
