#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace wavemt {

/// The bytes of a file or of standard input, from the start to the end; gzip is known by its first
/// bytes, not by a name, and unpacked, one member or several.
///
/// Errors are usage errors that name the file: it is missing or a directory; gzip that is damaged,
/// cut short or followed by anything else, zeros included (what a power cut leaves behind); a
/// regular file that changes its size, its time of modification or its place while it is read. A
/// pipe or a device has none of these, so nothing of the kind can be seen there.
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
  bool IsReady() const;

  /// Bytes taken from the file so far, packed ones where it is packed.
  int64_t bytes_read() const { return bytes_read_; }

  /// "standard input" for that.
  const std::filesystem::path& path() const { return path_; }

 private:
  class Descriptor;
  struct Gzip;

  InputFile(std::filesystem::path name, std::unique_ptr<Descriptor> descriptor);
  bool Fill(int64_t line_number);
  void Detect(int64_t line_number);
  size_t Unpack(char* bytes, size_t size, int64_t line_number);
  void RequireUnchanged(bool at_end, int64_t line_number) const;

  std::filesystem::path path_;
  std::unique_ptr<Descriptor> descriptor_;
  std::vector<char> buffer_;
  std::string_view packed_;  // What of buffer_ is still to be used.
  int64_t bytes_read_ = 0;
  bool detected_ = false;
  std::unique_ptr<Gzip> gzip_;  // Null: plain bytes.
};

/// Whether a file's first bytes are those of gzip.
bool IsGzip(const std::filesystem::path& path);

}  // namespace wavemt
