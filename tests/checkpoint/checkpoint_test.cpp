#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "support/checksum.h"
#include "support/error.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() { WriteCheckpoint(directory_, original_); }

  // "step/NAME", for TemporaryFolder's functions.
  static std::string In(std::string_view name) { return "step/" + std::string(name); }

  void ExpectDamaged(const std::string& file, const std::string& reason) {
    const auto message = ThrowsMessage<Error>(AllOf(HasSubstr(file), HasSubstr(reason)));
    EXPECT_THAT([&] { VerifyCheckpoint(directory_); }, message);
    EXPECT_THAT([&] { ReadCheckpoint(directory_); }, message);
    // The model alone is still valid.
    if (file == kOptimizerFile || file == kStateFile) {
      EXPECT_EQ(ReadCheckpointModel(directory_).size(), 2U);
    } else {
      EXPECT_THAT([&] { ReadCheckpointModel(directory_); }, message);
    }
  }

  TemporaryFolder folder_;
  fs::path directory_ = folder_.path() / "step";
  Checkpoint original_ = {.model = {{"weight", torch::arange(6, torch::kFloat).view({2, 3})},
                                    {"bias", torch::ones({2})}},
                          .optimizer = {{"exp_avg.weight", torch::full({2, 3}, 0.25F)}},
                          .state = {{"step", 12}, {"seconds", 1.5}, {"best_score", nullptr}}};
};

TEST_F(CheckpointTest, ComesBackAsItWas) {
  const Checkpoint read = ReadCheckpoint(directory_);
  ASSERT_EQ(read.model.size(), 2U);
  ASSERT_EQ(read.optimizer.size(), 1U);
  for (const auto& [name, tensor] : original_.model) {
    EXPECT_TRUE(torch::equal(read.model.at(name), tensor)) << name;
  }
  EXPECT_TRUE(torch::equal(read.optimizer.at("exp_avg.weight"), torch::full({2, 3}, 0.25F)));
  EXPECT_EQ(read.state, original_.state);
  EXPECT_EQ(ReadCheckpointModel(directory_).size(), 2U);
}

TEST_F(CheckpointTest, IsAFolderOfFourFilesAndLeavesNothingElse) {
  EXPECT_THAT(NamesIn(directory_),
              UnorderedElementsAre("model.safetensors", "optimizer.safetensors", "state.json",
                                   "manifest.json"));
  EXPECT_THAT(NamesIn(folder_.path()), ElementsAre("step"));
}

TEST_F(CheckpointTest, MayHoldAModelAndNothingElse) {
  const fs::path model = folder_.path() / "model";
  WriteModelCheckpoint(model, {.model = original_.model});
  EXPECT_THAT(NamesIn(model), UnorderedElementsAre("model.safetensors", "manifest.json"));
  EXPECT_FALSE(HasCheckpointState(model));
  EXPECT_EQ(ReadCheckpointModel(model).size(), 2U);
  EXPECT_THAT([&] { ReadCheckpoint(model); },
              ThrowsMessage<Error>(HasSubstr("model: has no optimizer.safetensors, which is needed "
                                             "to continue training")));
}

TEST_F(CheckpointTest, AModelMayHaveAStateOrBeAnAdapterAndStillCannotBeTrained) {
  const fs::path model = folder_.path() / "model";
  WriteModelCheckpoint(
      model, {.model = original_.model, .state = original_.state, .adapter = {{"rank", 3}}});
  EXPECT_THAT(NamesIn(model), UnorderedElementsAre("adapter.safetensors", "adapter.json",
                                                   "state.json", "manifest.json"));
  EXPECT_EQ(ReadCheckpointState(model), original_.state);
  EXPECT_TRUE(HasAdapter(model));
  EXPECT_EQ(ReadCheckpointModel(model).size(), 2U);
  EXPECT_THROW(VerifyCheckpoint(model), Error);
}

TEST_F(CheckpointTest, TheManifestListsSizesAndChecksums) {
  const Json manifest = ParseJson(folder_.Read(In("manifest.json")), "manifest");
  EXPECT_EQ(manifest["format"], "wavemt-checkpoint");
  EXPECT_EQ(manifest["version"], 1);
  for (const std::string name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const std::string bytes = folder_.Read(In(name));
    Crc32 checksum;
    checksum.Add(bytes.data(), bytes.size());
    EXPECT_EQ(manifest["files"][name]["bytes"], bytes.size()) << name;
    EXPECT_EQ(manifest["files"][name]["crc32"], checksum.Hex()) << name;
  }
}

TEST_F(CheckpointTest, TheSameContentsGiveTheSameBytes) {
  WriteCheckpoint(folder_.path() / "again", original_);
  for (const auto& name : NamesIn(directory_)) {
    EXPECT_EQ(folder_.Read("again/" + name), folder_.Read(In(name))) << name;
  }
}

TEST_F(CheckpointTest, ADamagedOneIsReplaced) {
  folder_.Write(In("model.safetensors"), "rubbish");
  folder_.Write(In("stray file"), "");
  WriteCheckpoint(directory_, original_);
  EXPECT_NO_THROW(VerifyCheckpoint(directory_));
  EXPECT_EQ(NamesIn(directory_).size(), 4U);
  EXPECT_THAT(NamesIn(folder_.path()), ElementsAre("step"));
}

TEST_F(CheckpointTest, AFailedWriteLeavesNothing) {
  // A type that the format does not have.
  Checkpoint impossible = original_;
  impossible.model["z"] = torch::zeros({2}, torch::kComplexFloat);
  EXPECT_THROW(WriteCheckpoint(folder_.path() / "other", impossible), Error);
  EXPECT_THAT(NamesIn(folder_.path()), ElementsAre("step"));
}

TEST_F(CheckpointTest, AFlippedBitAnywhereIsSeenAndItsFileNamed) {
  for (const std::string name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const std::string whole = folder_.Read(In(name));
    for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      folder_.Write(In(name), flipped);
      ASSERT_THAT([&] { VerifyCheckpoint(directory_); },
                  ThrowsMessage<Error>(AllOf(HasSubstr(name), HasSubstr("checksum"))))
          << "bit " << bit;
    }
    ExpectDamaged(name, "checksum");
    folder_.Write(In(name), whole);
  }
  EXPECT_NO_THROW(VerifyCheckpoint(directory_));
}

TEST_F(CheckpointTest, AFileCutShortIsNamedWithBothSizes) {
  const std::string whole = folder_.Read(In("optimizer.safetensors"));
  folder_.Write(In("optimizer.safetensors"), whole.substr(0, whole.size() - 1));
  ExpectDamaged("optimizer.safetensors", std::to_string(whole.size() - 1));
  ExpectDamaged("optimizer.safetensors", std::to_string(whole.size()));
}

TEST_F(CheckpointTest, AMissingFileIsNamed) {
  for (const std::string name :
       {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    const std::string whole = folder_.Read(In(name));
    fs::remove(directory_ / name);
    const bool is_needed_to_translate = name == kModelFile || name == kManifestFile;
    ExpectDamaged(name, is_needed_to_translate ? "no such file" : "needed to continue training");
    folder_.Write(In(name), whole);
  }
}

TEST_F(CheckpointTest, AnotherManifestIsRefused) {
  const std::string whole = folder_.Read(In("manifest.json"));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = whole;
    changed.replace(changed.find(from), from.size(), to);
    return changed;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not valid JSON"},
      {whole.substr(0, whole.size() / 2), "not valid JSON"},
      {"[]", "not the manifest of a checkpoint"},
      {"{}", "not the manifest of a checkpoint"},
      {with("wavemt-checkpoint", "another"), "not the manifest of a checkpoint"},
      {R"({"format": "wavemt-checkpoint", "version": 1, "files": []})", "not the manifest"},
      {R"({"format": "wavemt-checkpoint", "version": 1, "files": {}})", "does not list"},
      {with("\"version\": 1", "\"version\": 2"), "version 2; this program reads version 1"},
      {with("\"bytes\"", "\"sizes\""), "does not list"},
      {with("\"crc32\": \"", "\"crc32\": \"0"), "checksum"},
  };
  for (const auto& [text, reason] : cases) {
    SCOPED_TRACE(text);
    folder_.Write(In("manifest.json"), text);
    ExpectDamaged(reason == "checksum" ? "step" : "manifest.json", reason);
  }
}

}  // namespace
}  // namespace wavemt
