#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace wavemt {

/// Unpacks data of one compressed format, member by member. "Member" is gzip's term; zstd calls it
/// a frame, xz and bzip2 a stream.
class Decompressor {
 public:
  struct Step {
    size_t made = 0;     // Bytes written to the output.
    bool ended = false;  // The member is complete: all of it was read and all output written.
    std::string fault;   // What is wrong with the member, as a clause; empty if nothing is.
  };

  virtual ~Decompressor() = default;

  /// Prepares for the next member. REQUIRES: the previous one has ended.
  virtual void BeginMember() = 0;

  /// Unpacks into `room`, and removes the bytes it consumed from the front of `packed`. Output that
  /// does not fit is held back for the next call, which returns it even if `packed` is empty.
  virtual Step Unpack(std::string_view* packed, std::span<char> room) = 0;
};

/// A format that can be unpacked.
struct CompressedFormat {
  std::string_view name;       // Of the format and of its command-line program.
  std::string_view extension;  // Of file names.
  std::unique_ptr<Decompressor> (*make)();
};

/// What the first bytes of a file or of a member tell about its format.
struct FormatGuess {
  const CompressedFormat* format = nullptr;  // Null: not compressed, or too few bytes to tell.
  /// Whether these bytes, too few to tell, may be the beginning of a compressed format. True for no
  /// bytes at all.
  bool may_become_one = false;
};
FormatGuess GuessFormat(std::string_view beginning);

/// The format with this file extension, if `beginning` agrees with the first bytes of its members
/// as far as it goes; otherwise null.
const CompressedFormat* FormatOfTruncated(std::string_view beginning, std::string_view extension);

/// The format with this file extension, or null.
const CompressedFormat* FormatOfExtension(std::string_view extension);

/// The number of bytes that always suffice to tell the format.
inline constexpr size_t kLongestMagic = 10;

/// The limit on the memory, in MiB, that unpacking a file may need. It suffices for files written
/// by `xz -9` or `zstd --ultra -22 --long=27`; a file from an untrusted source could demand
/// gigabytes.
inline constexpr int kMaxUnpackingMemory = 128;

}  // namespace wavemt
