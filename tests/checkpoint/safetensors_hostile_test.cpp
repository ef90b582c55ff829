// A weights file may be malicious. Whatever it contains, reading it gives tensors or a usage error,
// never a crash, an excessive allocation or any other exception.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "../support/temporary_folder.h"
#include "checkpoint/safetensors.h"
#include "support/error.h"
#include "support/files.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string LengthBytes(uint64_t length) {
  return {reinterpret_cast<const char*>(&length), sizeof(length)};
}

// A file with this header, its correct length before it and `data_bytes` zeros after it.
std::string FileOf(std::string_view header, size_t data_bytes) {
  return LengthBytes(header.size()) + std::string(header) + std::string(data_bytes, '\0');
}

class HostileSafetensors : public testing::Test {
 protected:
  NamedTensors Read(std::string_view bytes) {
    return ReadSafetensors(folder_.Write("hostile.safetensors", bytes));
  }

  void ExpectRefused(std::string_view bytes, const std::string& reason = "") {
    EXPECT_THAT([&] { Read(bytes); },
                ThrowsMessage<Error>(AllOf(HasSubstr("hostile.safetensors"), HasSubstr(reason))));
  }

  void ExpectHeaderRefused(std::string_view header, size_t data_bytes, const std::string& reason) {
    SCOPED_TRACE(header);
    ExpectRefused(FileOf(header, data_bytes), reason);
  }

  std::string SmallFile() {
    OutputFile file(folder_.path() / "small.safetensors");
    WriteSafetensors(file, {{"bias", torch::tensor({1.0F, 2.0F})},
                            {"weight", torch::arange(6, torch::kFloat).view({2, 3})}});
    file.SyncAndClose();
    return folder_.Read("small.safetensors");
  }

  TemporaryFolder folder_;
};

TEST_F(HostileSafetensors, TheHandMadeFileIsReadable) {
  // A valid file, to show that the refusals below have the reason that they name.
  const NamedTensors read =
      Read(FileOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_TRUE(torch::equal(read.at("a"), torch::zeros({2})));
}

TEST_F(HostileSafetensors, EveryCutIsRefused) {
  const std::string whole = SmallFile();
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    ExpectRefused(std::string_view(whole).substr(0, size));
  }
}

TEST_F(HostileSafetensors, BytesAfterTheEndAreRefused) {
  ExpectRefused(SmallFile() + '\0', "describes 32 bytes of data, the file holds 33");
}

bool SameTensors(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    const auto found = b.find(name);
    if (found == b.end() || found->second.scalar_type() != tensor.scalar_type() ||
        !torch::equal(found->second, tensor)) {
      return false;
    }
  }
  return true;
}

TEST_F(HostileSafetensors, EveryFlippedBitOfTheHeaderIsRefusedOrSeen) {
  const std::string whole = SmallFile();
  const NamedTensors tensors = Read(whole);
  // "format":"pt" says nothing about the tensors.
  const size_t metadata_begin = whole.find("format");
  const size_t metadata_end = whole.find("pt\"") + 2;
  const size_t header_end = whole.rfind('}') + 1;
  int refused = 0;
  for (size_t bit = 0; bit < 8 * header_end; ++bit) {
    const size_t byte = bit / 8;
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (bit % 8)));
    try {
      const bool unseen = SameTensors(Read(flipped), tensors);
      EXPECT_TRUE(!unseen || (byte >= metadata_begin && byte < metadata_end))
          << "bit " << bit % 8 << " of byte " << byte;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kUsage);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(HostileSafetensors, AHeaderThatDoesNotFitIsRefused) {
  const std::string text = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  for (const uint64_t length : {uint64_t{text.size()} + 9, uint64_t{1} << 32, uint64_t{1} << 63,
                                ~uint64_t{0}, ~uint64_t{0} - 7, uint64_t{100'000'001}}) {
    ExpectRefused(LengthBytes(length) + text + std::string(8, '\0'), "does not fit");
  }
  ExpectRefused(LengthBytes(0), "");
}

TEST_F(HostileSafetensors, AHeaderThatIsNoObjectIsRefused) {
  ExpectHeaderRefused("[]", 0, "header is not an object");
  ExpectHeaderRefused("null", 0, "header is not an object");
  ExpectHeaderRefused("{", 0, "not valid JSON");
  ExpectHeaderRefused("{\"a\xFF\":1}", 0, "not valid JSON");
  ExpectHeaderRefused(R"({"__metadata__":[]})", 0, "__metadata__ is not an object");
  ExpectHeaderRefused(R"({"__metadata__":{"format":1}})", 0, "\"format\" is not a string");
}

TEST_F(HostileSafetensors, AnEntryWithOtherMembersIsRefused) {
  ExpectHeaderRefused(R"({"a":1})", 0, "\"a\" needs exactly");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "\"a\" needs exactly");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}})", 8,
                      "\"a\" needs exactly");
}

TEST_F(HostileSafetensors, AWrongTypeIsRefused) {
  for (const std::string type : {R"("F33")", R"("f32")", R"("")", "32", "null", R"(["F32"])"}) {
    ExpectHeaderRefused(R"({"a":{"dtype":)" + type + R"(,"shape":[2],"data_offsets":[0,8]}})", 8,
                        "dtype of \"a\"");
  }
}

TEST_F(HostileSafetensors, AWrongShapeIsRefused) {
  for (const std::string shape :
       {"[-1]", "[2.0]", R"(["2"])", "[null]", "[[2]]", "2", R"({"0":2})", "[9223372036854775808]",
        "[1e300]", "[4611686018427387904]", "[4294967296,4294967296,2]", "[3]", "[]", "[0]"}) {
    ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,8]}})", 8,
                        "\"a\"");
  }
  std::string long_shape = "[2";
  for (int i = 0; i < 100'000; ++i) long_shape += ",1";
  ExpectRefused(
      FileOf(R"({"a":{"dtype":"F32","shape":)" + long_shape + R"(],"data_offsets":[0,8]}})", 8),
      "more than 8 dimensions");
}

// No data at all, but strides that overflow.
TEST_F(HostileSafetensors, AnEmptyTensorOfImpossibleShapeIsRefused) {
  for (const std::string shape : {"[0,4611686018427387904,4611686018427387904]",
                                  "[4611686018427387904,4611686018427387904,0]",
                                  "[4611686018427387904,0,4611686018427387904]"}) {
    ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,0]}})", 0,
                        "impossibly large");
  }
}

TEST_F(HostileSafetensors, WrongOffsetsAreRefused) {
  for (const std::string offsets :
       {"[8,0]", "[0]", "[0,8,16]", "[-8,0]", "[0,8.0]", "[0,18446744073709551616]",
        "[18446744073709551608,18446744073709551615]", "[0,4]", "[0,16]", "8"}) {
    ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}}", 8,
                        "\"a\"");
  }
}

TEST_F(HostileSafetensors, OverlapAndHolesAreRefused) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
           R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(Read(FileOf(two("[8,16]", "[0,8]"), 16)).size(), 2U);  // Any order is allowed.
  ExpectHeaderRefused(two("[0,8]", "[0,8]"), 8, "\"b\" begins at byte 0, not at 8");
  ExpectHeaderRefused(two("[0,8]", "[4,12]"), 12, "\"b\" begins at byte 4, not at 8");
  ExpectHeaderRefused(two("[0,8]", "[12,20]"), 20, "\"b\" begins at byte 12, not at 8");
  ExpectHeaderRefused(two("[4,12]", "[12,20]"), 20, "\"a\" begins at byte 4, not at 0");
  ExpectHeaderRefused(two("[0,8]", "[8,16]"), 24, "describes 16 bytes of data, the file holds 24");
  ExpectHeaderRefused(two("[0,8]", "[8,16]"), 12, "describes 16 bytes of data, the file holds 12");
}

TEST_F(HostileSafetensors, ANameThatStandsTwiceIsRefused) {
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                      8, "\"a\" appears twice");
  ExpectHeaderRefused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
                      "\"dtype\" appears twice");
}

TEST_F(HostileSafetensors, DeepNestingIsRefused) {
  constexpr size_t kDepth = 400'000;
  ExpectRefused(FileOf(std::string(kDepth, '['), 0), "header is not an object");
  std::string objects;
  for (size_t i = 0; i < kDepth; ++i) objects += R"({"a":)";
  ExpectRefused(FileOf(objects, 0), "needs exactly");
  const std::string lists = R"({"a":{"dtype":"U8","shape":)" + std::string(kDepth, '[');
  ExpectRefused(FileOf(lists, 0), "not a whole number");
}

TEST_F(HostileSafetensors, AHugeHeaderIsRefused) {
  ExpectRefused(FileOf(std::string((4 << 20) + 1, ' '), 0), "the limit is 4194304");
  std::string many = "{";
  for (int i = 0; i < 50'000; ++i) {
    many.append(1, '"').append(std::to_string(i));
    many += R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
  }
  ExpectRefused(FileOf(many.substr(0, many.size() - 1) + "}", 0), "more than 40000 entries");
}

TEST_F(HostileSafetensors, ANameThatIsNoTextIsRefused) {
  for (const std::string name :
       {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF0\x9F\x8C", "\\ud800", "\n"}) {
    ExpectHeaderRefused("{\"a" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1,
                        "not valid JSON");
  }
}

// Terminal escape sequences are printed as plain text.
TEST_F(HostileSafetensors, MessagesHoldNoControlCharacters) {
  const std::string header = R"({"a\u001b[2J":{"dtype":"F33","shape":[1],"data_offsets":[0,1]}})";
  ExpectHeaderRefused(header, 1, R"(the dtype of "a\u001b[2J" is unknown)");
}

TEST_F(HostileSafetensors, ABoolIsZeroOrOne) {
  std::string file = FileOf(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  EXPECT_EQ(Read(file).size(), 1U);
  file.back() = '\2';
  ExpectRefused(file, "neither 0 nor 1");
}

class FileOnItsOwn : public HostileSafetensors {
 protected:
  FileOnItsOwn() {
    OutputFile file(folder_.path() / "own.safetensors");
    WriteSafetensors(file, {{"bias", torch::tensor({1.0F, 2.0F})}}, DataChecksum::kInHeader);
    file.SyncAndClose();
    whole_ = folder_.Read("own.safetensors");
  }

  std::string whole_;
};

TEST_F(FileOnItsOwn, EveryFlippedBitOfItsDataIsSeen) {
  EXPECT_EQ(Read(whole_).size(), 1U);
  for (size_t bit = 8 * (whole_.size() - 8); bit < 8 * whole_.size(); ++bit) {
    std::string flipped = whole_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ExpectRefused(flipped, "is damaged: the checksum of its data is");
  }
}

TEST_F(FileOnItsOwn, AnotherReaderPassesOverTheChecksum) {
  EXPECT_NE(whole_.find(R"("__metadata__":{"format":"pt","data_crc32":")"), std::string::npos);
}

}  // namespace
}  // namespace wavemt
