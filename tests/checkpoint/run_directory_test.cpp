#include "checkpoint/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "support/error.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

const std::map<std::string, std::string> kFiles = {{"config.json", "{}\n"},
                                                   {"tokenizer.model", "pieces"}};

class RunDirectoryTest : public testing::Test {
 protected:
  RunDirectory Create(bool overwrite = false) {
    return RunDirectory::Create(run_path_, kFiles, overwrite);
  }

  void ExpectRefused(const std::string& reason, bool overwrite) {
    const auto message = ThrowsMessage<Error>(AllOf(HasSubstr("run"), HasSubstr(reason)));
    EXPECT_THAT([&] { RunDirectory::RequireFree(run_path_, overwrite); }, message);
    EXPECT_THAT([&] { Create(overwrite); }, message);
  }

  // Writes a complete checkpoint whose weight is its step.
  static void AddCheckpoint(const RunDirectory& run, int64_t step) {
    WriteCheckpoint(run.CheckpointPath(step),
                    {.model = {{"w", torch::full({1}, step, torch::kFloat)}},
                     .optimizer = {},
                     .state = {{"step", step}}});
  }

  // Writes an average that a training made at its end at `step`.
  static void AddAverage(const RunDirectory& run, int64_t step) {
    WriteModelCheckpoint(run.AveragePath(),
                         {.model = {{"w", torch::ones({1})}}, .state = {{"step", step}}});
  }

  std::vector<std::string> NamesInFolder() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  TemporaryFolder folder_;
  fs::path run_path_ = folder_.path() / "run";
};

TEST_F(RunDirectoryTest, CreateMakesTheWholeFolder) {
  const RunDirectory run = Create();
  EXPECT_EQ(run.path(), run_path_);
  EXPECT_EQ(folder_.Read("run/config.json"), "{}\n");
  EXPECT_EQ(folder_.Read("run/tokenizer.model"), "pieces");
  EXPECT_TRUE(fs::is_directory(run_path_ / "checkpoints"));
  EXPECT_TRUE(fs::is_directory(run.TensorboardPath()));
  EXPECT_EQ(run.ConfigPath(), run_path_ / "config.json");
  EXPECT_EQ(run.MetricsPath(), run_path_ / "metrics.jsonl");
  EXPECT_EQ(run.CheckpointPath(1000), run_path_ / "checkpoints" / "step-00001000");
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

TEST_F(RunDirectoryTest, CreateMakesTheFoldersAboveIt) {
  run_path_ = folder_.path() / "a" / "b" / "run";
  Create();
  EXPECT_TRUE(fs::exists(run_path_ / "config.json"));
}

// Shells complete the name of a folder with a slash.
TEST_F(RunDirectoryTest, CreateTakesAPathThatEndsWithASlash) {
  EXPECT_EQ(RunDirectory::Create(run_path_.string() + "/", kFiles, false).ConfigPath(),
            run_path_ / "config.json");
  EXPECT_TRUE(fs::exists(run_path_ / "config.json"));
  EXPECT_NO_THROW(RunDirectory::Create(run_path_.string() + "/", kFiles, true));
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

TEST_F(RunDirectoryTest, CreateTakesAnEmptyFolder) {
  fs::create_directory(run_path_);
  EXPECT_NO_THROW(RunDirectory::RequireFree(run_path_, false));
  Create();
  EXPECT_TRUE(fs::exists(run_path_ / "config.json"));
}

TEST_F(RunDirectoryTest, CreateRefusesAFile) {
  folder_.Write("run", "");
  ExpectRefused("is a file", false);
  ExpectRefused("is a file", true);
}

TEST_F(RunDirectoryTest, CreateRefusesAFolderThatIsNoRunEvenToOverwrite) {
  folder_.Write("run/thesis.txt", "years of work");
  ExpectRefused("is not a run of wavemt", false);
  ExpectRefused("is not a run of wavemt", true);
  EXPECT_EQ(folder_.Read("run/thesis.txt"), "years of work");
}

TEST_F(RunDirectoryTest, CreateRefusesARunUnlessItMayOverwrite) {
  AddCheckpoint(Create(), 10);
  ExpectRefused("--overwrite", false);
  ExpectRefused("wavemt resume", false);
  EXPECT_TRUE(fs::exists(run_path_ / "checkpoints" / "step-00000010"));

  const RunDirectory run = Create(/*overwrite=*/true);
  EXPECT_THAT(run.CheckpointSteps(), IsEmpty());
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

TEST_F(RunDirectoryTest, AFailedCreateLeavesNothingNew) {
  const std::map<std::string, std::string> impossible = {{"no/such/folder/file", ""}};
  EXPECT_THROW(RunDirectory::Create(run_path_, impossible, false), Error);
  EXPECT_THAT(NamesInFolder(), IsEmpty());
}

TEST_F(RunDirectoryTest, AFailedOverwriteLeavesTheOldRun) {
  AddCheckpoint(Create(), 10);
  const std::map<std::string, std::string> impossible = {{"no/such/folder/file", ""}};
  EXPECT_THROW(RunDirectory::Create(run_path_, impossible, true), Error);
  EXPECT_EQ(RunDirectory::Open(run_path_).NewestWholeStep(), 10);
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

TEST_F(RunDirectoryTest, OpenRefusesWhatIsNoRun) {
  EXPECT_THAT([&] { RunDirectory::Open(run_path_); },
              ThrowsMessage<Error>(HasSubstr("run: no such run")));
  fs::create_directory(run_path_);
  EXPECT_THAT([&] { RunDirectory::Open(run_path_); },
              ThrowsMessage<Error>(HasSubstr("holds no config.json")));
}

TEST_F(RunDirectoryTest, CheckpointStepsAreSortedAndNothingElse) {
  const RunDirectory run = Create();
  for (const int64_t step : {100, 9, 123456789}) AddCheckpoint(run, step);
  fs::create_directory(run_path_ / "checkpoints" / "step-00000050.123.unfinished");
  fs::create_directory(run_path_ / "checkpoints" / "step-x");
  run.SetLatest(100);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(9, 100, 123456789));
  EXPECT_TRUE(fs::exists(run_path_ / "checkpoints" / "step-123456789"));
}

TEST_F(RunDirectoryTest, PointersNameCheckpointsThatAreThere) {
  const RunDirectory run = Create();
  EXPECT_EQ(run.LatestStep(), std::nullopt);
  EXPECT_EQ(run.BestStep(), std::nullopt);
  AddCheckpoint(run, 10);
  AddCheckpoint(run, 20);
  run.SetBest(10);
  run.SetLatest(20);
  EXPECT_EQ(folder_.Read("run/checkpoints/best"), "step-00000010\n");
  EXPECT_EQ(folder_.Read("run/checkpoints/latest"), "step-00000020\n");
  EXPECT_EQ(run.BestStep(), 10);
  EXPECT_EQ(run.LatestStep(), 20);
  run.SetBest(20);
  EXPECT_EQ(run.BestStep(), 20);
  fs::remove_all(run.CheckpointPath(20));
  EXPECT_EQ(run.LatestStep(), std::nullopt);
}

TEST_F(RunDirectoryTest, APointerThatSaysNothingIsNone) {
  const RunDirectory run = Create();
  AddCheckpoint(run, 10);
  for (const std::string text : {"", "\n", "step-", "step-1x\n", "step--10\n", "../..\n", "10\n",
                                 "step-99999999999999999999\n"}) {
    folder_.Write("run/checkpoints/best", text);
    EXPECT_EQ(run.BestStep(), std::nullopt) << text;
  }
}

TEST_F(RunDirectoryTest, TheNewestWholeStepSkipsDamagedOnes) {
  const RunDirectory run = Create();
  EXPECT_EQ(run.NewestWholeStep(), std::nullopt);
  for (const int64_t step : {10, 20, 30}) AddCheckpoint(run, step);
  EXPECT_EQ(run.NewestWholeStep(), 30);
  fs::remove(run.CheckpointPath(30) / "manifest.json");
  EXPECT_EQ(run.NewestWholeStep(), 20);
  folder_.Write("run/checkpoints/step-00000020/state.json", "{");
  EXPECT_EQ(run.NewestWholeStep(), 10);
  fs::remove_all(run.CheckpointPath(10) / "model.safetensors");
  EXPECT_THAT(
      [&] { run.NewestWholeStep(); },
      ThrowsMessage<Error>(HasSubstr("run: holds no checkpoint to continue from: every one is "
                                     "damaged or lacks a file")));
}

TEST_F(RunDirectoryTest, WhatIsTranslatedByNeedsItsModelOnly) {
  const RunDirectory run = Create();
  EXPECT_EQ(run.NewestModelStep(), std::nullopt);
  for (const int64_t step : {10, 20, 30}) AddCheckpoint(run, step);
  fs::remove(run.CheckpointPath(30) / "optimizer.safetensors");
  fs::remove(run.CheckpointPath(30) / "state.json");
  EXPECT_EQ(run.NewestModelStep(), 30);
  EXPECT_EQ(run.NewestWholeStep(), 20);
  folder_.Write("run/checkpoints/step-00000030/model.safetensors", "rubbish");
  EXPECT_EQ(run.NewestModelStep(), 20);
}

TEST_F(RunDirectoryTest, AModelAloneIsARunToReadFrom) {
  RunDirectory::CreateModel(run_path_, {{"config.json", "{}"}}, 70, {{"weight", torch::ones({2})}});
  const RunDirectory run = RunDirectory::Open(run_path_);
  EXPECT_EQ(run.LatestStep(), 70);
  EXPECT_EQ(LocateModel(run_path_).checkpoint, run.CheckpointPath(70));
  EXPECT_EQ(ReadCheckpointModel(run.CheckpointPath(70)).size(), 1U);
  EXPECT_THROW(run.NewestWholeStep(), Error);
  EXPECT_THROW(RunDirectory::CreateModel(run_path_, {{"config.json", "{}"}}, 70, {}), Error);
  EXPECT_EQ(ReadCheckpointModel(run.CheckpointPath(70)).size(), 1U);
}

TEST_F(RunDirectoryTest, OldCheckpointsGoButTheBestStays) {
  const RunDirectory run = Create();
  for (const int64_t step : {10, 20, 30, 40, 50}) AddCheckpoint(run, step);
  run.SetBest(20);
  run.RemoveOldCheckpoints(2, 50);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(20, 40, 50));
  run.RemoveOldCheckpoints(2, 50);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(20, 40, 50));
  run.SetBest(50);
  run.RemoveOldCheckpoints(1, 50);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(50));
  EXPECT_EQ(run.NewestWholeStep(), 50);
}

TEST_F(RunDirectoryTest, OldCheckpointsThatAreAmongTheBestStayToo) {
  const RunDirectory run = Create();
  for (const int64_t step : {10, 20, 30, 40, 50}) AddCheckpoint(run, step);
  AddAverage(run, 50);
  run.SetBest(20);
  const std::vector<int64_t> best = {30, 20, 50};
  run.RemoveOldCheckpoints(1, 50, best);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(20, 30, 50));
  EXPECT_NO_THROW(VerifyCheckpointModel(run.AveragePath()));
  run.SetBestToAverage();
  run.RemoveOldCheckpoints(1, 50, {});
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(50));
  EXPECT_NO_THROW(VerifyCheckpointModel(run.AveragePath()));
}

TEST_F(RunDirectoryTest, TheAverageIsNoStepAndIsNotContinuedFrom) {
  const RunDirectory run = Create();
  AddAverage(run, 10);
  EXPECT_THAT(run.CheckpointSteps(), IsEmpty());
  EXPECT_EQ(run.NewestWholeStep(), std::nullopt);
  AddCheckpoint(run, 10);
  run.SetLatest(10);
  run.SetBestToAverage();
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(10));
  EXPECT_EQ(run.NewestWholeStep(), 10);
  EXPECT_EQ(run.LatestStep(), 10);
  EXPECT_EQ(run.BestStep(), std::nullopt);
  EXPECT_TRUE(run.BestIsAverage());
  EXPECT_EQ(folder_.Read("run/checkpoints/best"), "average\n");
}

TEST_F(RunDirectoryTest, WhatAUserNamedLikeTheAverageIsRefused) {
  const RunDirectory run = Create();
  const auto expect_refused = [&] {
    EXPECT_THAT([&] { run.RequireAverageIsOurs(); },
                ThrowsMessage<Error>(HasSubstr("checkpoints/average: is no checkpoint, but has")));
  };
  EXPECT_NO_THROW(run.RequireAverageIsOurs());
  folder_.Write("run/checkpoints/average", "a file");
  expect_refused();
  fs::remove(run.AveragePath());
  folder_.Write("run/checkpoints/average/notes.txt", "a folder");
  expect_refused();
  folder_.Write("run/checkpoints/average/manifest.json", R"({"name": "of another program"})");
  expect_refused();
  fs::remove_all(run.AveragePath());
  AddAverage(run, 10);
  folder_.Write("run/checkpoints/average/model.safetensors", "damaged");
  EXPECT_NO_THROW(run.RequireAverageIsOurs());
}

TEST_F(RunDirectoryTest, TrainingThatGoesOnNamesTheBestStepAgain) {
  const RunDirectory run = Create();
  for (const int64_t step : {10, 20}) AddCheckpoint(run, step);
  AddAverage(run, 20);
  run.SetBestToAverage();
  run.RepairPointers(20, 10);
  EXPECT_FALSE(run.BestIsAverage());
  EXPECT_EQ(run.BestStep(), 10);
  EXPECT_NO_THROW(VerifyCheckpointModel(run.AveragePath()));
  run.SetBestToAverage();
  run.RepairPointers(20, std::nullopt);
  EXPECT_FALSE(fs::exists(run_path_ / "checkpoints" / "best"));
}

TEST_F(RunDirectoryTest, AKilledWriteOfTheAverageIsTidiedUp) {
  const RunDirectory run = Create();
  AddCheckpoint(run, 10);
  AddAverage(run, 10);
  const fs::path checkpoints = run_path_ / "checkpoints";
  const auto leave = [&] {
    folder_.Write("run/checkpoints/average.123.unfinished/model.safetensors", "half");
  };
  leave();
  run.RemoveOldCheckpoints(3, 10);
  EXPECT_FALSE(fs::exists(checkpoints / "average.123.unfinished"));
  leave();
  // On a file system that cannot exchange two folders, it was killed between two renamings.
  fs::rename(run.AveragePath(), checkpoints / "average.123.old.unfinished");
  run.RemoveOldCheckpoints(3, 10);
  EXPECT_NO_THROW(VerifyCheckpointModel(run.AveragePath()));
  EXPECT_FALSE(fs::exists(checkpoints / "average.123.unfinished"));
}

// A resumed run skipped a damaged checkpoint, and has written one since.
TEST_F(RunDirectoryTest, LaterCheckpointsDoNotPushOutTheNewest) {
  const RunDirectory run = Create();
  for (const int64_t step : {10, 20, 30, 90}) AddCheckpoint(run, step);
  run.RemoveOldCheckpoints(1, 30);
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(30, 90));
}

TEST_F(RunDirectoryTest, PointersAreRepairedFromACheckpoint) {
  const RunDirectory run = Create();
  AddCheckpoint(run, 10);
  AddCheckpoint(run, 20);
  run.SetLatest(10);
  run.SetBest(10);
  run.RepairPointers(20, 20);
  EXPECT_EQ(run.LatestStep(), 20);
  EXPECT_EQ(run.BestStep(), 20);
  run.RepairPointers(10, std::nullopt);
  EXPECT_EQ(run.LatestStep(), 10);
  EXPECT_EQ(run.BestStep(), std::nullopt);
  run.SetBest(20);
  run.RepairPointers(20, 15);  // The best one is gone.
  EXPECT_FALSE(fs::exists(run_path_ / "checkpoints" / "best"));
}

TEST_F(RunDirectoryTest, WhatAKilledProcessLeftGoesWithTheOldCheckpoints) {
  const RunDirectory run = Create();
  AddCheckpoint(run, 10);
  folder_.Write("run/checkpoints/step-00000020.123.unfinished/model.safetensors", "half");
  run.RemoveOldCheckpoints(3, 10);
  EXPECT_FALSE(fs::exists(run_path_ / "checkpoints" / "step-00000020.123.unfinished"));
  EXPECT_THAT(run.CheckpointSteps(), ElementsAre(10));
}

TEST_F(RunDirectoryTest, IsLockedWhileItIsHeld) {
  {
    const RunDirectory run = Create();
    const RunDirectory copy = run;
    const std::string holder =
        "run: is being trained by process " + std::to_string(getpid()) + "; wait for it to finish";
    const auto message = ThrowsMessage<Error>(HasSubstr(holder));
    EXPECT_THAT([&] { RunDirectory::OpenForTraining(run_path_); }, message);
    EXPECT_THAT([&] { RunDirectory::RequireIdle(run_path_); }, message);
    EXPECT_THAT([&] { Create(/*overwrite=*/true); }, message);
    EXPECT_NO_THROW(RunDirectory::Open(run_path_));
    EXPECT_EQ(folder_.Read("run/config.json"), "{}\n");
  }
  EXPECT_NO_THROW(RunDirectory::RequireIdle(run_path_));
  EXPECT_NO_THROW(RunDirectory::OpenForTraining(run_path_));
  EXPECT_FALSE(fs::exists(run_path_ / "lock"));
}

TEST_F(RunDirectoryTest, TheLockOfADeadProcessMeansNothing) {
  Create();
  folder_.Write("run/lock", "1 somewhere\n");
  const RunDirectory run = RunDirectory::OpenForTraining(run_path_);
  EXPECT_THAT(folder_.Read("run/lock"), testing::StartsWith(std::to_string(getpid()) + " "));
}

TEST_F(RunDirectoryTest, OverwritingMovesTheLockToTheNewRun) {
  Create();
  const RunDirectory run = Create(/*overwrite=*/true);
  EXPECT_TRUE(fs::exists(run_path_ / "lock"));
  EXPECT_THROW(RunDirectory::OpenForTraining(run_path_), Error);
}

TEST_F(RunDirectoryTest, OpenForTrainingRemovesWhatAKilledProcessLeft) {
  Create();
  folder_.Write("run/config.json.12.unfinished", "");
  folder_.Write("run/checkpoints/step-00000020.123.unfinished/model.safetensors", "half");
  folder_.Write("run.123.unfinished/config.json", "");
  folder_.Write("run.123.old.unfinished/config.json", "");
  folder_.Write("run.more.123.unfinished/config.json", "of another run");
  folder_.Write("run/output.de.123.unfinished", "of a wavemt translate");
  RunDirectory::OpenForTraining(run_path_);
  EXPECT_THAT(NamesInFolder(), testing::UnorderedElementsAre("run", "run.more.123.unfinished"));
  EXPECT_FALSE(fs::exists(run_path_ / "config.json.12.unfinished"));
  EXPECT_TRUE(fs::exists(run_path_ / "output.de.123.unfinished"));
  EXPECT_TRUE(fs::is_empty(run_path_ / "checkpoints"));
}

TEST_F(RunDirectoryTest, OpenForTrainingRestoresARunThatWasMovedAside) {
  Create();
  fs::rename(run_path_, run_path_.string() + ".123.old.unfinished");
  EXPECT_NO_THROW(RunDirectory::OpenForTraining(run_path_));
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

TEST_F(RunDirectoryTest, ALinkStaysAndTheRunComesWhereItLeads) {
  const fs::path link = folder_.path() / "link";
  fs::create_directory(folder_.path() / "disk");
  fs::create_directory_symlink("disk", link);
  for (const bool overwrite : {false, true}) {
    const RunDirectory run = RunDirectory::Create(link, {{"config.json", "{}\n"}}, overwrite);
    EXPECT_EQ(run.path(), fs::canonical(folder_.path() / "disk"));
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_TRUE(fs::exists(folder_.path() / "disk/config.json"));
    EXPECT_THAT(NamesInFolder(), testing::UnorderedElementsAre("disk", "link"));
  }
}

TEST_F(RunDirectoryTest, WhatALinkLeadsToIsMade) {
  const fs::path link = folder_.path() / "link";
  fs::create_directory_symlink("second", link);
  fs::create_directory_symlink("disk/run", folder_.path() / "second");
  const RunDirectory run = RunDirectory::Create(link, {{"config.json", "{}\n"}}, false);
  EXPECT_EQ(run.path(), fs::canonical(folder_.path() / "disk/run"));
  EXPECT_TRUE(fs::exists(link / "config.json"));
}

TEST_F(RunDirectoryTest, LinksThatGoInCirclesAreRefused) {
  const std::string link = folder_.path() / "link";
  fs::create_directory_symlink("link", link);
  EXPECT_THAT([&] { RunDirectory::Create(link, {}, false); },
              ThrowsMessage<Error>(link + ": cannot be read: Too many levels of symbolic links"));
}

TEST_F(RunDirectoryTest, OpenForTrainingThroughALinkIsTheSame) {
  Create();
  fs::create_directory_symlink("run", folder_.path() / "link");
  fs::rename(run_path_, run_path_.string() + ".123.old.unfinished");
  const RunDirectory run = RunDirectory::OpenForTraining(folder_.path() / "link");
  EXPECT_EQ(run.path(), fs::canonical(run_path_));
  EXPECT_THAT(NamesInFolder(), testing::UnorderedElementsAre("run", "link"));
}

TEST_F(RunDirectoryTest, ARunMovedAsideSurvivesAnEmptyFolderWithItsName) {
  Create();
  fs::rename(run_path_, run_path_.string() + ".123.old.unfinished");
  fs::create_directory(run_path_);
  EXPECT_NO_THROW(RunDirectory::OpenForTraining(run_path_));
  EXPECT_THAT(NamesInFolder(), ElementsAre("run"));
}

// Another process may be writing them.
TEST_F(RunDirectoryTest, OpenForTrainingOfWhatIsNoRunRemovesNothing) {
  for (const std::string name : {"file", "run"}) {
    const std::string unfinished = name + ".123.unfinished";
    fs::create_directories(folder_.path() / unfinished);
    EXPECT_THROW(RunDirectory::OpenForTraining(folder_.path() / name), Error);
    EXPECT_TRUE(fs::exists(folder_.path() / unfinished));
  }
  const std::string stood_aside = run_path_.string() + ".123.old.unfinished";
  fs::create_directories(stood_aside);
  fs::create_directories(run_path_ / "not of a run");
  EXPECT_THROW(RunDirectory::OpenForTraining(run_path_), Error);
  EXPECT_THROW(RunDirectory::Create(run_path_, {}, true), Error);
  EXPECT_TRUE(fs::exists(stood_aside));
}

class LocateModelTest : public RunDirectoryTest {
 protected:
  LocateModelTest() {
    for (const int64_t step : {10, 20}) AddCheckpoint(run_, step);
    run_.SetLatest(20);
  }

  void ExpectFound(const fs::path& path, const fs::path& checkpoint) {
    const ModelLocation found = LocateModel(path);
    EXPECT_TRUE(fs::equivalent(found.run, run_path_)) << found.run;
    EXPECT_TRUE(fs::equivalent(found.checkpoint, checkpoint)) << found.checkpoint;
  }

  RunDirectory run_ = Create();
};

TEST_F(LocateModelTest, OfARunIsItsBestElseItsNewest) {
  ExpectFound(run_path_, run_.CheckpointPath(20));
  run_.SetBest(10);
  ExpectFound(run_path_, run_.CheckpointPath(10));
  ExpectFound(run_path_.string() + "/", run_.CheckpointPath(10));
}

TEST_F(LocateModelTest, OfACheckpointIsItself) {
  ExpectFound(run_.CheckpointPath(10), run_.CheckpointPath(10));
  ExpectFound(run_.CheckpointPath(10).string() + "/", run_.CheckpointPath(10));
}

TEST_F(LocateModelTest, OfAPointerIsWhatItNames) {
  run_.SetBest(10);
  ExpectFound(run_path_ / "checkpoints" / "best", run_.CheckpointPath(10));
  ExpectFound(run_path_ / "checkpoints" / "latest", run_.CheckpointPath(20));
}

TEST_F(LocateModelTest, OfARunIsTheAverageIfThatIsTheBest) {
  run_.SetBest(10);
  AddAverage(run_, 20);
  ExpectFound(run_path_, run_.CheckpointPath(10));
  run_.SetBestToAverage();
  ExpectFound(run_path_, run_.AveragePath());
  ExpectFound(run_path_ / "checkpoints" / "best", run_.AveragePath());
  ExpectFound(run_path_ / "checkpoints" / "latest", run_.CheckpointPath(20));
  ExpectFound(run_.AveragePath(), run_.AveragePath());
  ExpectFound(folder_.Write("run/checkpoints/mine", "average\n"), run_.AveragePath());
  EXPECT_EQ(StepOfCheckpoint(run_.AveragePath()), 20);
  EXPECT_EQ(StepOfCheckpoint(run_.AveragePath() / "model.safetensors"), 20);
}

TEST_F(LocateModelTest, OfARunWhoseAverageIsGoneIsAStep) {
  run_.SetBestToAverage();
  ExpectFound(run_path_, run_.CheckpointPath(20));
  // The newest checkpoint tells which one is the best.
  WriteCheckpoint(run_.CheckpointPath(20),
                  {.model = {{"w", torch::ones({1})}},
                   .state = {{"step", 20}, {"best_score", 1.5}, {"best_step", 10U}}});
  ExpectFound(run_path_, run_.CheckpointPath(10));
  EXPECT_EQ(StepOfCheckpoint(run_.AveragePath()), std::nullopt);
}

TEST_F(LocateModelTest, OfASafetensorsFileInsideARunIsTheFile) {
  const fs::path weights = run_.CheckpointPath(10) / "model.safetensors";
  ExpectFound(weights, weights);
  const fs::path average = folder_.Write("run/average.safetensors", "");
  ExpectFound(average, average);
}

TEST_F(LocateModelTest, OfAnythingElseIsAUsageError) {
  const auto expect_refused = [](const fs::path& path, const std::string& reason) {
    EXPECT_THAT([&] { LocateModel(path); },
                ThrowsMessage<Error>(AllOf(HasSubstr(path.filename()), HasSubstr(reason))));
  };
  expect_refused(folder_.path() / "none", "no such run or checkpoint");
  expect_refused(folder_.path(), "is not a run of wavemt");
  expect_refused(run_.ConfigPath(), "neither a run, a checkpoint nor a .safetensors file");
  expect_refused(folder_.Write("stray.safetensors", ""), "is not inside a run");
  expect_refused(folder_.Write("run/checkpoints/old", "step-00000099\n"), "neither a run");
}

TEST_F(LocateModelTest, OfARunWithoutCheckpointsIsAUsageError) {
  const RunDirectory empty = RunDirectory::Create(folder_.path() / "empty", kFiles, false);
  EXPECT_THAT([&] { LocateModel(empty.path()); },
              ThrowsMessage<Error>(HasSubstr("holds no checkpoint yet")));
}

}  // namespace
}  // namespace wavemt
