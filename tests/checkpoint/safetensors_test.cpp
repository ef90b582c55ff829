#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "../support/temporary_folder.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"

namespace wavemt {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class SafetensorsTest : public testing::Test {
 protected:
  FileDigest Write(const NamedTensors& tensors) {
    OutputFile file(path_);
    FileDigest digest = WriteSafetensors(file, tensors);
    file.SyncAndClose();
    return digest;
  }

  NamedTensors RoundTrip(const NamedTensors& tensors) {
    Write(tensors);
    return ReadSafetensors(path_);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "weights.safetensors";
};

TEST_F(SafetensorsTest, KeepsEveryType) {
  NamedTensors tensors;
  const auto values = torch::tensor({{0.0, 1.0, -2.0}, {100.0, 0.5, 3.0}});
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kHalf, torch::kBFloat16,
                          torch::kLong, torch::kInt, torch::kShort, torch::kChar, torch::kBool}) {
    tensors[torch::toString(type)] = values.to(type);
  }
  tensors["Byte"] = values.abs().to(torch::kByte);
  const NamedTensors read = RoundTrip(tensors);
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
  }
}

TEST_F(SafetensorsTest, KeepsEveryShape) {
  const NamedTensors tensors = {{"scalar", torch::tensor(3.5F)},
                                {"vector", torch::randn({5})},
                                {"empty", torch::empty({0})},
                                {"empty matrix", torch::empty({3, 0, 2})},
                                {"deep", torch::randn({2, 1, 3, 1, 2})}};
  const NamedTensors read = RoundTrip(tensors);
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
  }
}

TEST_F(SafetensorsTest, KeepsNamesThatJsonMustEscape) {
  const NamedTensors tensors = {{"a \"quoted\"\\name\n", torch::ones({1})},
                                {"嵌入.weight", torch::zeros({2})}};
  const NamedTensors read = RoundTrip(tensors);
  ASSERT_EQ(read.size(), 2U);
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(torch::equal(read.at(name), tensor));
}

TEST_F(SafetensorsTest, KeepsValuesThatAreNoNumbers) {
  const auto read = RoundTrip({{"x", torch::tensor({INFINITY, -INFINITY, NAN, -0.0F})}}).at("x");
  EXPECT_TRUE(torch::equal(read.narrow(0, 0, 2), torch::tensor({INFINITY, -INFINITY})));
  EXPECT_TRUE(std::isnan(read[2].item<float>()));
  EXPECT_TRUE(std::signbit(read[3].item<float>()));
}

TEST_F(SafetensorsTest, WritesWhatIsNotContiguousInItsOrder) {
  const auto matrix = torch::arange(6, torch::kFloat).view({2, 3});
  const NamedTensors read = RoundTrip({{"transposed", matrix.t()},
                                       {"expanded", torch::ones({1, 3}).expand({4, 3})},
                                       {"part", matrix.narrow(1, 1, 2)}});
  EXPECT_TRUE(torch::equal(read.at("transposed"), matrix.t()));
  EXPECT_TRUE(torch::equal(read.at("expanded"), torch::ones({4, 3})));
  EXPECT_TRUE(torch::equal(read.at("part"), matrix.narrow(1, 1, 2)));
}

TEST_F(SafetensorsTest, NothingIsAFileToo) { EXPECT_TRUE(RoundTrip({}).empty()); }

// The bytes as specified by the format's description.
TEST_F(SafetensorsTest, TheSameTensorsGiveTheseBytes) {
  const FileDigest digest =
      Write({{"bias", torch::tensor({1.0F, -2.0F})}, {"alpha", torch::tensor({7}, torch::kLong)}});
  std::string header = R"({"__metadata__":{"format":"pt"},)"
                       R"("alpha":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                       R"("bias":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string length = {static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  const std::string data = {7, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\x80', '\x3F', 0, 0, 0, '\xC0'};
  const std::string bytes = ReadFile(path_);
  EXPECT_EQ(bytes, length + header + data);

  Crc32 checksum;
  checksum.Add(bytes.data(), bytes.size());
  EXPECT_EQ(digest.bytes, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(digest.crc32, checksum.Hex());
}

TEST_F(SafetensorsTest, AMissingFileAndAFolderAreUsageErrors) {
  EXPECT_THAT([&] { ReadSafetensors(folder_.path() / "none.safetensors"); },
              ThrowsMessage<Error>(HasSubstr("none.safetensors: no such file")));
  EXPECT_THAT([&] { ReadSafetensors(folder_.path()); },
              ThrowsMessage<Error>(HasSubstr("is a directory")));
}

}  // namespace
}  // namespace wavemt
