#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace wavemt {

struct CompressedFormat;
class Decompressor;

/// The bytes of a file or of standard input, from the start to the end; gzip, zstd, xz and bzip2
/// are known by their first bytes, not by a name, and unpacked, one member or several.
///
/// Errors are usage errors that name the file: it is missing or a directory; compressed data that
/// is damaged, cut short or followed by anything else, zeros included (what a power cut leaves
/// behind; xz's padding is no exception), or that takes more than `kMostUnpackingMemory` to unpack;
/// a name of such a file with nothing but the beginning of one or zeros behind it; a regular file
/// that changes its size, its time of modification or its place while it is read. A pipe or a
/// device has none of these, so nothing of the kind can be seen there.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  static InputFile StandardInput();
  ~InputFile();
  InputFile(InputFile&&) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  /// Reads at most `size` bytes into `bytes`; fewer where no more are there yet, 0 only at the end.
  /// Errors say that they come after line `line_number` of the text.
  size_t Read(char* bytes, size_t size, int64_t line_number);

  /// Whether Read() would answer without waiting for a writer (longer than one that is at work
  /// needs).
  bool IsReady();

  /// Bytes taken from the file so far, packed ones where it is packed.
  int64_t bytes_read() const { return bytes_read_; }

  /// Whether it is unpacked. Known once something was read.
  bool is_compressed() const { return format_ != nullptr; }

  /// False for standard input, a pipe or a device.
  bool is_file() const;

  /// "standard input" for that.
  const std::filesystem::path& path() const { return path_; }

 private:
  class Descriptor;

  InputFile(std::filesystem::path name, std::unique_ptr<Descriptor> descriptor);
  bool Fill(int64_t line_number);
  bool Detect(bool may_wait, int64_t line_number);
  void RequireNoRest() const;
  bool BeginNextMember(int64_t line_number);
  size_t Unpack(std::span<char> room, int64_t line_number);
  void RequireUnchanged(bool at_end, int64_t line_number) const;

  std::filesystem::path path_;
  std::unique_ptr<Descriptor> descriptor_;
  std::vector<char> buffer_;
  std::string_view packed_;  // What of buffer_ is still to be used.
  int64_t bytes_read_ = 0;
  bool ended_ = false;
  bool detected_ = false;
  const CompressedFormat* format_ = nullptr;  // Null: plain bytes.
  std::unique_ptr<Decompressor> decompressor_;
  bool between_members_ = false;
};

/// Whether a file's first bytes are those of a format that InputFile unpacks.
bool IsCompressed(const std::filesystem::path& path);

}  // namespace wavemt
