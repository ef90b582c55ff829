#include "support/decompressor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "../support/compressed.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "support/input_file.h"
#include "support/line_reader.h"

namespace wavemt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kDamaged = "the compressed data is damaged or cut short (";

// Reads a file, `at_once` bytes per call.
std::string Contents(const fs::path& path, size_t at_once = 1 << 16) {
  InputFile file(path);
  std::string contents;
  std::string piece(at_once, '\0');
  while (const size_t count = file.Read(piece.data(), piece.size(), 0)) {
    contents.append(piece, 0, count);
  }
  EXPECT_EQ(file.Read(piece.data(), piece.size(), 0), 0U) << "more after the end";
  return contents;
}

std::string ReadAll(const fs::path& path) {
  return UsageErrorOf([&] { Contents(path); });
}

// These tests run for each format.
class CompressedFileTest : public testing::TestWithParam<Packer> {
 protected:
  static std::string Pack(std::string_view bytes) { return GetParam().pack(bytes); }
  fs::path Write(std::string_view bytes) const {
    return folder_.Write("packed" + GetParam().extension, bytes);
  }

  const TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Formats, CompressedFileTest, testing::ValuesIn(kPackers),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(CompressedFileTest, GivesTheSameBytesWhateverIsAskedForAtOnce) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i * i);
  const auto plain = folder_.Write("plain", text);
  // Zeros compress so well that much output is held back when little is requested.
  const std::string nulls(100'000, '\0');
  const auto packed = Write(Pack(text) + Pack("") + Pack(nulls) + Pack("end") + Pack(""));
  for (const size_t at_once : {1U, 7U, 4096U, 1U << 20}) {
    EXPECT_EQ(Contents(plain, at_once), text) << at_once;
    EXPECT_EQ(Contents(packed, at_once), text + nulls + "end") << at_once;
  }
}

TEST_P(CompressedFileTest, IsKnownByItsBytesNotByItsName) {
  const std::string& extension = GetParam().extension;
  EXPECT_EQ(Contents(folder_.Write("plain" + extension, "plain text")), "plain text");
  EXPECT_EQ(Contents(folder_.Write("a" + extension, "a")), "a");
  EXPECT_EQ(Contents(folder_.Write("packed.txt", Pack("text"))), "text");
  EXPECT_EQ(Contents(folder_.Write("packed", Pack(""))), "");
  EXPECT_TRUE(IsCompressed(folder_.path() / "packed.txt"));
  EXPECT_TRUE(IsCompressed(folder_.path() / "packed"));
  EXPECT_FALSE(IsCompressed(folder_.path() / ("plain" + extension)));
  EXPECT_FALSE(IsCompressed(folder_.path() / ("a" + extension)));
  EXPECT_FALSE(IsCompressed(folder_.path() / "missing"));
}

TEST_P(CompressedFileTest, IsRefusedWhereverItIsCutShort) {
  const std::string packed = Pack("one\ntwo\nthree, a longer line than the others\n");
  for (size_t size = 0; size < packed.size(); ++size) {
    const auto path = Write(packed.substr(0, size));
    ASSERT_THAT(ReadAll(path), StartsWith(path.string() + ": ")) << "cut after " << size;
    ASSERT_THAT(ReadAll(path), HasSubstr(kDamaged)) << "cut after " << size;
    const auto two = Write(packed + packed.substr(0, size));
    const std::string message = ReadAll(two);
    ASSERT_THAT(message, HasSubstr(size == 0 ? "no error" : kDamaged)) << "one and " << size;
  }
}

// What a power cut may leave of a file that was not synced.
TEST_P(CompressedFileTest, IsRefusedWhereZerosAreLeft) {
  const auto path = Write(std::string(4096, '\0'));
  EXPECT_THAT(ReadAll(path), StartsWith(path.string() + ": " + std::string(kDamaged)));
}

// zlib's own gzread() silently accepts such files; xz treats zeros as padding.
TEST_P(CompressedFileTest, IsRefusedWhereAnythingElseFollowsItsEnd) {
  const std::string member = Pack("one\ntwo\n");
  std::string second_damaged = member + member;
  second_damaged[member.size()] ^= 1;
  std::string second_zeroed = member + member;
  second_zeroed.replace(member.size(), member.size(), member.size(), '\0');
  std::vector<std::string> tails = {member + "garbage",  member + member.substr(0, 1),
                                    member + "\n",       member + std::string(512, '\0'),
                                    member + "\x1F\x8A", second_damaged,
                                    second_zeroed};
  for (const Packer& other : kPackers) {
    if (other.name != GetParam().name) tails.push_back(member + other.pack("three\n"));
  }
  for (const std::string& bytes : tails) {
    const auto path = Write(bytes);
    EXPECT_THAT(ReadAll(path),
                testing::AllOf(StartsWith(path.string() + ": after line 0: "),
                               HasSubstr(std::string(kDamaged) + "what follows its end is not " +
                                         GetParam().name)))
        << testing::PrintToString(bytes);
    EXPECT_THAT(UsageErrorOf([&] { ReadLines(path); }), StartsWith(path.string() + ": after line "))
        << testing::PrintToString(bytes);
  }
}

// A flipped bit causes an error unless it is one of the few without effect; the text never changes.
TEST_P(CompressedFileTest, NeverGivesOtherTextWhereABitIsChanged) {
  const std::string text = "one\ntwo\nthree, a longer line than the others\n";
  const std::string packed = Pack(text);
  size_t refused = 0;
  for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
    std::string damaged = packed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto path = Write(damaged);
    std::string read;
    const std::string message = UsageErrorOf([&] { read = Contents(path); });
    if (message != "no error") {
      ASSERT_THAT(message, StartsWith(path.string() + ": ")) << "bit " << bit;
      ++refused;
    } else if (IsCompressed(path)) {
      ASSERT_EQ(read, text) << "bit " << bit;
    } else {  // No longer recognized as compressed, but not text either.
      ASSERT_EQ(read, damaged) << "bit " << bit;
      ASSERT_NE(UsageErrorOf([&] { ReadLines(path); }), "no error") << "bit " << bit;
      ++refused;
    }
  }
  // gzip's header contains a time and an operating system, which are not checked.
  EXPECT_GT(refused, (packed.size() - (GetParam().name == "gzip" ? 10 : 0)) * 8 - 16);
}

TEST(DecompressorTest, TakesTheBeginningOfACompressedFileForTextWithoutSuchAName) {
  const TemporaryFolder folder;
  for (const std::string_view text : {"", "\x1F", "BZh91AY&S", "BZ", "Z", "(", "P*M", "%PD"}) {
    EXPECT_EQ(Contents(folder.Write("text", text)), text);
  }
}

TEST(DecompressorTest, ReadsTheFramesOfZstdThatHoldText) {
  const TemporaryFolder folder;
  EXPECT_EQ(
      Contents(folder.Write("pzstd", SkippableZstd("size") + Zstd("one\n") + SkippableZstd("size") +
                                         Zstd("two\n", false) + SkippableZstd(""))),
      "one\ntwo\n");
  const auto cut = folder.Write("cut", Zstd("one\n") + SkippableZstd("size").substr(0, 10));
  EXPECT_THAT(ReadAll(cut), HasSubstr(kDamaged));
}

// The limit applies to the memory that the file requests, even if its text needs less.
TEST(DecompressorTest, RefusesToTakeMuchMemory) {
  const TemporaryFolder folder;
  const auto limit = [](const fs::path& path, const std::string& program) {
    return path.string() + ": after line 0: unpacking it needs more than 128 MiB of memory, " +
           "which is the limit; unpack it with: " + program;
  };
  const std::string text(300'000, 'x');
  EXPECT_EQ(Contents(folder.Write("zstd", Zstd(text, true, 27))), text);
  const auto zstd = folder.Write("large.zst", Zstd(text, true, 28));
  EXPECT_EQ(ReadAll(zstd), limit(zstd, "zstd -d --long=31"));
  const auto xz = folder.Write("large.xz", [&] {
    // The block header begins at byte 12 with its size in units of four bytes and ends with its
    // checksum. In between are the filter's id, the size of its properties, and the dictionary
    // size: 32 means 2^28 bytes.
    std::string bytes = Xz(text);
    const size_t size = (static_cast<size_t>(bytes[12]) + 1) * 4 - 4;
    bytes[bytes.find("\x21\x01", 12) + 2] = 32;
    const auto checksum = lzma_crc32(reinterpret_cast<const uint8_t*>(bytes.data()) + 12, size, 0);
    for (size_t i = 0; i < 4; ++i) bytes[12 + size + i] = static_cast<char>(checksum >> (8 * i));
    return bytes;
  }());
  EXPECT_EQ(ReadAll(xz), limit(xz, "xz -d --memlimit=0"));
}

TEST(DecompressorTest, RefusesXzWhoseChecksumItDoesNotKnow) {
  const TemporaryFolder folder;
  const auto path = folder.Write("unknown.xz", [] {
    // Byte 7 of the header is the type of checksum; type 2 does not exist.
    std::string bytes = Xz("text", LZMA_CHECK_CRC32);
    bytes[7] = 2;
    const auto checksum = lzma_crc32(reinterpret_cast<const uint8_t*>(bytes.data()) + 6, 2, 0);
    for (size_t i = 0; i < 4; ++i) bytes[8 + i] = static_cast<char>(checksum >> (8 * i));
    return bytes;
  }());
  EXPECT_THAT(ReadAll(path),
              HasSubstr("damaged or cut short (it has an unknown type of checksum)"));
}

}  // namespace
}  // namespace wavemt
