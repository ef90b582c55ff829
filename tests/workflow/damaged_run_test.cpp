// However the bytes of a run's files are damaged, reading the run gives a usage error or what was
// written, never anything else. Resuming uses the previous checkpoint, with a warning that names
// the damaged one. WAVEMT_TORTURE=1: 2,000 damages per file instead of 60.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "../data/synthetic_text.h"
#include "../support/captured_log.h"
#include "../support/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/logging.h"
#include "training/metrics_log.h"
#include "workflow/run_files.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr int64_t kSteps[] = {10, 20, 30};
constexpr int64_t kBestStep = 20;
constexpr int64_t kNewestStep = 30;

int NumDamages() { return std::getenv("WAVEMT_TORTURE") != nullptr ? 2000 : 60; }

Config SmallConfig() {
  Config config;
  config.data.train.unnamed.files.tsv = {"/corpus/train.tsv"};
  config.data.max_length = 10;
  config.model.d_model = 8;
  config.model.num_heads = 2;
  config.model.ffn_dim = 8;
  config.model.num_encoder_layers = 1;
  config.model.num_decoder_layers = 1;
  config.model.position_encoding.max_length = 16;
  return config;
}

bool SameTensors(const NamedTensors& a, const NamedTensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.scalar_type() == y.second.scalar_type() &&
           torch::equal(x.second, y.second);
  });
}

std::string Damaged(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](size_t limit) { return random() % limit; };
  const size_t offset = below(bytes.size());
  const size_t length = std::min(size_t{1} << below(13), bytes.size() - offset);
  switch (below(6)) {
    case 0:
      bytes[offset] = static_cast<char>(bytes[offset] ^ (1 << below(8)));
      break;
    case 1:
      bytes.resize(offset);
      break;
    case 2:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, '\0');
      break;
    case 3:
      bytes.append(length, static_cast<char>(below(2) == 0 ? 0 : random()));
      break;
    case 4:
      bytes[offset] = static_cast<char>(random());
      break;
    default:
      bytes.insert(offset, bytes.substr(below(bytes.size()), length));
  }
  return bytes;
}

class DamagedRun : public testing::Test {
 protected:
  DamagedRun() {
    const auto tokenizer = SyntheticTokenizer();
    const Config config = SmallConfig();
    config_text_ = ConfigText(config);
    tokenizer_bytes_ = tokenizer->bytes();
    RunDirectory::Create(path_,
                         {{"config.json", config_text_},
                          {"tokenizer.model", tokenizer_bytes_},
                          {"corpus.json", CorpusProfileText({.pairs = 7, .longest_source = 5})}},
                         /*overwrite=*/false);
    const RunDirectory run = RunDirectory::Open(path_);
    const VocabularySizes vocabulary = {.source = tokenizer->vocab_size(),
                                        .target = tokenizer->vocab_size()};
    for (const int64_t step : kSteps) {
      torch::manual_seed(static_cast<uint64_t>(step));
      const Transformer model(config.model, vocabulary);
      Checkpoint& checkpoint = checkpoints_[step];
      checkpoint.model = StateOf(*model);
      for (const auto& [name, tensor] : checkpoint.model) {
        checkpoint.optimizer["exp_avg." + name] = torch::rand_like(tensor);
      }
      checkpoint.state = {{"step", step},
                          {"best_score", 10.0},
                          {"best_step", std::min(step, kBestStep)},
                          {"seconds", 1.25}};
      WriteCheckpoint(run.CheckpointPath(step), checkpoint);
      metrics_.push_back(Json({{"step", step}, {"loss", 1.5}}).dump());
    }
    run.SetLatest(kNewestStep);
    run.SetBest(kBestStep);
    for (const std::string& line : metrics_) metrics_text_ += line + "\n";
    folder_.Write("run/metrics.jsonl", metrics_text_);
  }

  // Calls `check` with each damaged version of the file `name` in the run, then restores the file.
  template <typename Check>
  void ForEachDamage(const std::string& name, Check check) {
    SCOPED_TRACE(name);
    const std::string in_folder = "run/" + name;
    const std::string whole = folder_.Read(in_folder);
    std::mt19937_64 random(1);
    int damages = 0;
    while (damages < NumDamages() && !HasFailure()) {
      const std::string bytes = Damaged(whole, random);
      if (bytes == whole) continue;
      ++damages;
      folder_.Write(in_folder, bytes);
      SCOPED_TRACE("damage number " + std::to_string(damages));
      check();
    }
    folder_.Write(in_folder, whole);
    if (const char* report = std::getenv("WAVEMT_TORTURE_REPORT")) {
      std::ofstream(report, std::ios::app)
          << Json({{"what", "damaged files read in one process"}, {"count", damages}}).dump()
          << "\n";
    }
  }

  // Reads what `wavemt resume` reads. Usage errors are counted in refused_.
  void ReadAsResume() {
    const CapturedLog log;
    try {
      const RunDirectory run = RunDirectory::Open(path_);
      EXPECT_EQ(ConfigText(LoadRunConfig(path_)), config_text_);
      EXPECT_EQ(LoadRunTokenizers(path_, {}).source->bytes(), tokenizer_bytes_);
      EXPECT_EQ(LoadRunProfile(path_).value().longest_source, 5);
      const std::optional<int64_t> step = run.NewestWholeStep();
      ASSERT_TRUE(step);
      if (*step != kNewestStep) {
        EXPECT_EQ(*step, 20);
        EXPECT_NE(log.text().find("step-00000030"), std::string::npos) << log.text();
        EXPECT_NE(log.text().find("warning: "), std::string::npos) << log.text();
      }
      ExpectSame(ReadCheckpoint(run.CheckpointPath(*step)), *step);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kUsage) << error.what();
      EXPECT_NE(std::string(error.what()).find(path_.string()), std::string::npos) << error.what();
      ++refused_;
    }
  }

  // Reads what `wavemt translate` reads, for the run and for each path in it that names a model.
  void ReadAsTranslate() {
    const fs::path checkpoints = path_ / "checkpoints";
    ReadModel(path_, kBestStep);
    ReadModel(checkpoints / "best", kBestStep);
    ReadModel(checkpoints / "latest", kNewestStep);
    ReadModel(checkpoints / "step-00000030", kNewestStep);
    ReadModel(checkpoints / "step-00000030/model.safetensors", kNewestStep);
  }

  void ExpectSame(const Checkpoint& found, int64_t step) {
    const Checkpoint& written = checkpoints_.at(step);
    EXPECT_TRUE(SameTensors(found.model, written.model));
    EXPECT_TRUE(SameTensors(found.optimizer, written.optimizer));
    EXPECT_EQ(found.state, written.state);
  }

  // Expects the model of `step`, or another one and a warning about the pointer, or a usage error.
  void ReadModel(const fs::path& named, int64_t step) {
    SCOPED_TRACE(named);
    const CapturedLog log;
    try {
      const TrainedModel loaded = OpenModel(named, {}, torch::kCPU);
      const NamedTensors found = StateOf(*loaded.model);
      if (!SameTensors(found, checkpoints_.at(step).model)) {
        EXPECT_TRUE(std::any_of(checkpoints_.begin(), checkpoints_.end(), [&](const auto& other) {
          return SameTensors(found, other.second.model);
        }));
        const char* pointer =
            step == kBestStep ? "checkpoints/best: names " : "checkpoints/latest: names ";
        EXPECT_NE(log.text().find(pointer), std::string::npos) << log.text();
      }
      EXPECT_EQ(ConfigText(loaded.config), config_text_);
      EXPECT_EQ(loaded.tokenizers.target->bytes(), tokenizer_bytes_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kUsage) << error.what();
    }
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "run";
  std::string config_text_;
  std::string tokenizer_bytes_;
  std::map<int64_t, Checkpoint> checkpoints_;
  std::vector<std::string> metrics_;
  std::string metrics_text_;
  int refused_ = 0;
};

TEST_F(DamagedRun, TheNewestCheckpoint) {
  for (const std::string file :
       {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    ForEachDamage("checkpoints/step-00000030/" + file, [&] {
      ReadAsResume();
      ReadAsTranslate();
    });
  }
  EXPECT_EQ(refused_, 0) << "the checkpoint before was there";
}

TEST_F(DamagedRun, TheBestCheckpoint) {
  ForEachDamage("checkpoints/step-00000020/model.safetensors", [&] { ReadAsTranslate(); });
  ForEachDamage("checkpoints/step-00000020/manifest.json", [&] { ReadAsTranslate(); });
}

// An old run without a profile is treated differently, which must not happen to one that lost its
// profile.
TEST_F(DamagedRun, ALostCorpusProfileIsNoticed) {
  fs::remove(path_ / "corpus.json");
  EXPECT_THROW(LoadRunProfile(path_), Error);
  fs::remove(path_ / "checksums.json");
  EXPECT_FALSE(LoadRunProfile(path_));
}

TEST_F(DamagedRun, ThePointers) {
  for (const std::string name : {"latest", "best"}) {
    ForEachDamage("checkpoints/" + name, [&] {
      ReadAsResume();
      ReadAsTranslate();
    });
    EXPECT_EQ(refused_, 0);
  }
}

// A single flipped bit turns one step into another.
TEST_F(DamagedRun, APointerThatNamesAnotherCheckpointGivesAWarning) {
  const RunDirectory run = RunDirectory::Open(path_);
  const CapturedLog log;
  EXPECT_EQ(run.CheckedBest(), run.CheckpointPath(kBestStep));
  EXPECT_EQ(run.CheckedLatestStep(), kNewestStep);
  EXPECT_EQ(log.text(), "");
  folder_.Write("run/checkpoints/best", "step-00000030\n");
  EXPECT_EQ(run.CheckedBest(), run.CheckpointPath(30));
  EXPECT_NE(log.text().find("best: names step-00000030, but the best checkpoint according to "
                            "step-00000030 is step-00000020; using step-00000030"),
            std::string::npos)
      << log.text();
  folder_.Write("run/checkpoints/best", "step-00000010x\n");
  EXPECT_EQ(run.CheckedBest(), run.CheckpointPath(kBestStep));
  EXPECT_NE(log.text().find("best: names none, but"), std::string::npos) << log.text();
  folder_.Write("run/checkpoints/latest", "step-00000010\n");
  EXPECT_EQ(run.CheckedLatestStep(), 10);
  EXPECT_NE(log.text().find("latest: names step-00000010, but the newest checkpoint is "
                            "step-00000030; using the former"),
            std::string::npos)
      << log.text();
}

TEST_F(DamagedRun, TheConfigAndTheTokenizer) {
  for (const std::string name :
       {"config.json", "tokenizer.model", "corpus.json", "checksums.json"}) {
    refused_ = 0;
    ForEachDamage(name, [&] {
      ReadAsResume();
      ReadAsTranslate();
    });
    EXPECT_GT(refused_, NumDamages() / 2);
  }
}

TEST_F(DamagedRun, TheMetrics) {
  MetricsLog::Mark mark;
  mark.Add(metrics_text_);
  ForEachDamage("metrics.jsonl", [&] {
    std::istringstream before(folder_.Read("run/metrics.jsonl"));
    const CapturedLog log;
    MetricsLog(path_ / "metrics.jsonl", {.step = kNewestStep, .mark = mark})
        .Write(Json({{"step", 31}}));
    if (!before.str().starts_with(metrics_text_)) {
      EXPECT_NE(log.text().find("warning: " + (path_ / "metrics.jsonl").string()),
                std::string::npos);
    }
    const std::string after = folder_.Read("run/metrics.jsonl");
    // Lines that are still intact are kept.
    for (std::string line; std::getline(before, line);) {
      if (std::find(metrics_.begin(), metrics_.end(), line) == metrics_.end()) continue;
      EXPECT_NE(("\n" + after).find("\n" + line + "\n"), std::string::npos) << line;
    }
    EXPECT_TRUE(after.ends_with("{\"step\":31}\n")) << after;
  });
}

TEST_F(DamagedRun, AnEditedConfigIsRefusedWithAdvice) {
  std::string edited = config_text_;
  edited.replace(edited.find("\"d_model\": 8"), 12, "\"d_model\": 4");
  folder_.Write("run/config.json", edited);
  try {
    LoadRunConfig(path_);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_TRUE(
        message.starts_with((path_ / "config.json").string() + ": is damaged or was edited: "))
        << message;
    EXPECT_NE(message.find("`wavemt resume " + path_.string() + " --set key=value`"),
              std::string::npos);
  }
  // In a run of an older version, the config is not checked.
  fs::remove(path_ / "checksums.json");
  EXPECT_EQ(ConfigText(LoadRunConfig(path_)), edited);
}

}  // namespace
}  // namespace wavemt
