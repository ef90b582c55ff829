#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace wavemt {

struct CompressedFormat;
class Decompressor;

/// Reads a file or standard input from start to end. gzip, zstd, xz and bzip2 are recognized by
/// their first bytes, not by the file's name, and unpacked, including files of several members.
///
/// Throws usage errors that name the file:
///  - it is missing or a directory;
///  - compressed data is damaged, cut short, or followed by anything else, including zeros (which a
///    power cut can leave; xz's padding is refused too);
///  - unpacking needs more than `kMaxUnpackingMemory`;
///  - its name has the extension of a compressed format, but it is empty, begins with zeros, or
///    ends within the format's first bytes;
///  - a regular file changes in size or modification time, or is replaced, while it is read.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  static InputFile StandardInput();
  ~InputFile();
  InputFile(InputFile&&) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  /// Reads up to `size` bytes into `bytes`, fewer if no more are available yet. Returns 0 only at
  /// the end. Error messages say that they occurred after line `line_number` of the text.
  size_t Read(char* bytes, size_t size, int64_t line_number);

  using Time = std::chrono::steady_clock::time_point;
  /// Whether Read() would return without blocking. Waits for that until `deadline`; a time in the
  /// past: not at all.
  bool IsReady(Time deadline = {});

  /// Bytes read from the file so far; for a compressed file, compressed bytes.
  int64_t bytes_read() const { return bytes_read_; }

  /// Whether the input is compressed. Valid after the first Read().
  bool is_compressed() const { return format_ != nullptr; }

  /// False for standard input, a pipe or a device.
  bool is_file() const;

  /// The file's path, or "standard input".
  const std::filesystem::path& path() const { return path_; }

 private:
  class Descriptor;

  InputFile(std::filesystem::path name, std::unique_ptr<Descriptor> descriptor);
  bool Fill(int64_t line_number);
  bool Detect(std::optional<Time> deadline, int64_t line_number);
  void RequireNotTruncated() const;
  bool BeginNextMember(int64_t line_number);
  size_t Unpack(std::span<char> room, int64_t line_number);
  void RequireUnchanged(bool at_end, int64_t line_number) const;

  std::filesystem::path path_;
  std::unique_ptr<Descriptor> descriptor_;
  std::vector<char> buffer_;
  std::string_view packed_;  // The unused bytes of buffer_.
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
