#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace wavemt {

/// Unpacks the bytes of one compressed format, one member after the other: what gzip calls a
/// member, zstd a frame, xz and bzip2 a stream.
class Decompressor {
 public:
  struct Step {
    size_t made = 0;     // Bytes that were unpacked.
    bool ended = false;  // The member is whole: nothing of it is left to read or to give.
    std::string fault;   // What is wrong with the member, as a clause; empty: nothing.
  };

  virtual ~Decompressor() = default;

  /// Begins a further member. REQUIRES: the one before has ended.
  virtual void BeginMember() = 0;

  /// Unpacks into `room`, and takes what it used off the front of `packed`. Bytes that found no
  /// room are held back for the next call, which needs no more of `packed` to give them.
  virtual Step Unpack(std::string_view* packed, std::span<char> room) = 0;
};

/// A format that can be unpacked.
struct CompressedFormat {
  std::string_view name;       // Of the format, and of the program that packs and unpacks it.
  std::string_view extension;  // Of its files' names.
  std::unique_ptr<Decompressor> (*make)();
};

/// What the first bytes of a file, or of a member, say of its format.
struct FormatGuess {
  const CompressedFormat* format = nullptr;  // Null: no format, or not enough bytes to tell one.
  /// Whether more bytes could make it `format`, or any format. True for no bytes at all.
  bool may_become_one = false;
};
FormatGuess GuessFormat(std::string_view beginning);

/// The format whose members may begin with `beginning` and more, and whose files have that
/// extension; null: none.
const CompressedFormat* FormatOfRest(std::string_view beginning, std::string_view extension);

/// The format whose files' names end so; null: none.
const CompressedFormat* FormatOfExtension(std::string_view extension);

/// How many bytes it takes at most to tell a format.
inline constexpr size_t kLongestMagic = 10;

/// The most memory in MiB that a file may demand for being unpacked: that of any file which
/// `xz -9` or `zstd --ultra -22 --long=27` packs. A stranger's may ask for gigabytes.
inline constexpr int kMostUnpackingMemory = 128;

}  // namespace wavemt
