#include "support/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

#include "../support/file_size_limit.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::set<std::string> NamesIn(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// Runs `work` in a separate process that then ends as if killed, without running destructors.
template <typename Work>
void InKilledProcess(Work work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(ReadFileTest, GivesEveryByte) {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 200'000; ++i) bytes += static_cast<char>(i * 7919 >> 3);
  EXPECT_EQ(ReadFile(folder.Write("bytes", bytes)), bytes);
  EXPECT_EQ(ReadFile(folder.Write("nothing", "")), "");
}

TEST(ReadFileTest, GivesNoMoreThanIsWanted) {
  const TemporaryFolder folder;
  const fs::path path = folder.Write("file", "0123456789");
  EXPECT_EQ(ReadFile(path, 4), "0123");
  EXPECT_EQ(ReadFile(path, 10), "0123456789");
  EXPECT_EQ(ReadFile(path, 100), "0123456789");
  EXPECT_EQ(ReadFile("/dev/zero", 5), std::string(5, '\0'));  // It has no end.
}

TEST(ReadFileTest, NamesWhatCannotBeRead) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing";
  const std::string inside_a_file = folder.Write("file", "text") / "x";
  const std::string directory = folder.path();
  EXPECT_EQ(UsageErrorOf([&] { ReadFile(missing); }), missing + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { ReadFile(inside_a_file); }), inside_a_file + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { ReadFile(directory); }),
            directory + ": is a directory, a file is needed");
}

TEST(RequireReadableFileTest, TakesFilesAndNamesTheRest) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing";
  const std::string directory = folder.path();
  EXPECT_NO_THROW(RequireReadableFile(folder.Write("file", "")));
  EXPECT_EQ(UsageErrorOf([&] { RequireReadableFile(missing); }), missing + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { RequireReadableFile(directory); }),
            directory + ": is a directory, a file is needed");
}

TEST(RequireReadableFileTest, SaysThatPermissionIsMissing) {
  const TemporaryFolder folder;
  const fs::path file = folder.Write("locked/file", "text");
  const auto message_without_rights = [](const fs::path& path) {
    // In a separate process without root's rights, since root may read everything.
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    std::fputs(UsageErrorOf([&] { RequireReadableFile(path); }).c_str(), stderr);
    _exit(0);
  };
  const std::string expected = ": cannot be read: Permission denied";
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(file, fs::perms::none);
  EXPECT_EXIT(message_without_rights(file), testing::ExitedWithCode(0), "file" + expected);
  fs::permissions(file, fs::perms::all);
  fs::permissions(folder.path() / "locked", fs::perms::none);
  EXPECT_EXIT(message_without_rights(file), testing::ExitedWithCode(0), "file" + expected);
  fs::permissions(folder.path() / "locked", fs::perms::all);
}

TEST(WriteFileAtomicallyTest, MakesAndReplacesAFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  WriteFileAtomically(file, "the first text");
  EXPECT_EQ(folder.Read("file"), "the first text");
  WriteFileAtomically(file, "short");
  EXPECT_EQ(folder.Read("file"), "short");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(WriteFileAtomicallyTest, KeepsTheOldBytesWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const fs::path file = folder.Write("file", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_THAT(FailureOf([&] { WriteFileAtomically(file, std::string(5000, 'x')); }),
                StartsWith(file.string()));
  }
  EXPECT_EQ(folder.Read("file"), "old");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(WriteFileAtomicallyTest, NamesTheFileThatCannotBeMade) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "missing/file";
  const std::string message = FailureOf([&] { WriteFileAtomically(file, "text"); });
  EXPECT_THAT(message, StartsWith(file));
  EXPECT_THAT(message, HasSubstr("cannot be written: No such file or directory"));
}

TEST(OutputFileTest, CountsAndSumsWhatWasWritten) {
  const TemporaryFolder folder;
  OutputFile file(folder.path() / "file");
  file.Write("12345");
  file.Write("6789");
  file.SyncAndClose();
  EXPECT_EQ(file.bytes_written(), 9);
  EXPECT_EQ(file.checksum().Hex(), "cbf43926");
  EXPECT_EQ(folder.Read("file"), "123456789");
}

TEST(OutputFileTest, SaysThatTheDiskIsFullAndHowMuchIsFree) {
  OutputFile full("/dev/full");
  full.Write("text");  // Only buffered.
  const std::string message = FailureOf([&] { full.SyncAndClose(); });
  EXPECT_THAT(message, StartsWith("/dev/full: cannot be written: No space left on device ("));
  EXPECT_THAT(message, HasSubstr(" free there)"));
}

TEST(StagedFileTest, IsThereOnlyAfterCommit) {
  const TemporaryFolder folder;
  StagedFile file(folder.path() / "file");
  file.Write("one ");
  EXPECT_FALSE(fs::exists(folder.path() / "file"));
  file.Write("two");
  file.Commit();
  EXPECT_EQ(folder.Read("file"), "one two");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(StagedFileTest, SyncDoesNotLetItAppear) {
  const TemporaryFolder folder;
  StagedFile file(folder.path() / "file");
  file.Write("text");
  file.Sync();
  EXPECT_FALSE(Exists(folder.path() / "file"));
  file.Commit();
  EXPECT_EQ(ReadFile(folder.path() / "file"), "text");
}

TEST(StagedFileTest, WithoutCommitChangesNothing) {
  const TemporaryFolder folder;
  folder.Write("file", "old");
  { StagedFile(folder.path() / "file").Write("new"); }
  EXPECT_EQ(folder.Read("file"), "old");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(StagedDirectoryTest, IsThereOnlyAfterCommit) {
  const TemporaryFolder folder;
  const fs::path final_path = folder.path() / "a/new/folder";
  StagedDirectory directory(final_path);
  WriteFileAtomically(directory.path() / "a", "1");
  EXPECT_FALSE(fs::exists(final_path));
  directory.Commit();
  EXPECT_EQ(folder.Read("a/new/folder/a"), "1");
  EXPECT_THAT(NamesIn(final_path.parent_path()), ElementsAre("folder"));
}

TEST(StagedDirectoryTest, WithoutCommitLeavesNothing) {
  const TemporaryFolder folder;
  {
    const StagedDirectory directory(folder.path() / "folder");
    WriteFileAtomically(directory.path() / "a", "1");
  }
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(StagedDirectoryTest, NeverReplacesAFullFolder) {
  const TemporaryFolder folder;
  folder.Write("folder/old", "old");
  {
    StagedDirectory directory(folder.path() / "folder");
    WriteFileAtomically(directory.path() / "new", "new");
    EXPECT_THAT(FailureOf([&] { directory.Commit(); }),
                StartsWith((folder.path() / "folder").string() + ": cannot be written: "));
  }
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("folder"));
  EXPECT_THAT(NamesIn(folder.path() / "folder"), ElementsAre("old"));
}

TEST(OutputFileTest, WritesSmallAndLargePiecesInOrder) {
  const TemporaryFolder folder;
  OutputFile file(folder.path() / "file");
  std::string expected;
  for (const size_t size : {10, 300'000, 1, 0, 262'143, 262'144, 262'145, 7}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    file.Write(piece);
    expected += piece;
  }
  file.SyncAndClose();
  EXPECT_EQ(folder.Read("file"), expected);
  EXPECT_EQ(file.bytes_written(), static_cast<int64_t>(expected.size()));
}

TEST(StagedDirectoryTest, ReplacesAFullFolder) {
  const TemporaryFolder folder;
  folder.Write("folder/old", "old");
  StagedDirectory directory(folder.path() / "folder");
  WriteFileAtomically(directory.path() / "new", "new");
  directory.Replace();
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("folder"));
  EXPECT_THAT(NamesIn(folder.path() / "folder"), ElementsAre("new"));
}

TEST(StagedDirectoryTest, ReplacesNothing) {
  const TemporaryFolder folder;
  StagedDirectory directory(folder.path() / "folder");
  directory.Replace();
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("folder"));
}

TEST(MakeDirectoriesTest, MakesWhatIsMissingAndNamesWhatCannotBeMade) {
  const TemporaryFolder folder;
  MakeDirectories(folder.path() / "a/b/c");
  MakeDirectories(folder.path() / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a/b/c"));
  const std::string below_a_file = folder.Write("file", "") / "folder";
  EXPECT_THAT(FailureOf([&] { MakeDirectories(below_a_file); }),
              StartsWith(below_a_file + ": cannot be written: "));
}

TEST(RemoveDirectoryTest, RemovesAllOfIt) {
  const TemporaryFolder folder;
  folder.Write("folder/a/b", "");
  EXPECT_FALSE(RemoveDirectory(folder.path() / "folder"));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
  EXPECT_TRUE(RemoveDirectory(folder.path() / "folder"));
}

bool Anything(std::string_view /*name*/) { return true; }

TEST(TidyUnfinishedTest, TakesAwayWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  folder.Write("file", "old");
  InKilledProcess([&] {
    StagedFile file(folder.path() / "file");
    file.Write("half of the new");
    const StagedDirectory directory(folder.path() / "folder");
    WriteFileAtomically(directory.path() / "a", "1");
    _exit(0);
  });
  EXPECT_EQ(NamesIn(folder.path()).size(), 3);
  TidyUnfinished(folder.path(), Anything);
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
  EXPECT_EQ(folder.Read("file"), "old");
}

TEST(TidyUnfinishedTest, LooksDirectlyInTheFolderOnly) {
  const TemporaryFolder folder;
  const std::set<std::string> others = {"x.unfinished", "12.unfinished", ".12.finished", "x12"};
  folder.Write("inner/other.12.unfinished", "");
  for (const std::string& name : others) folder.Write(name, "");
  TidyUnfinished(folder.path(), Anything);
  EXPECT_TRUE(fs::exists(folder.path() / "inner/other.12.unfinished"));
  std::set<std::string> left = NamesIn(folder.path());
  left.erase("inner");
  EXPECT_EQ(left, others);
  EXPECT_NO_THROW(TidyUnfinished(folder.path() / "missing", Anything));
}

TEST(TidyUnfinishedTest, LeavesTheWorkOfOthers) {
  const TemporaryFolder folder;
  folder.Write("ours.12.unfinished", "");
  folder.Write("theirs.12.unfinished", "");
  TidyUnfinished(folder.path(), [](std::string_view name) { return name == "ours"; });
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("theirs.12.unfinished"));
  TidyUnfinishedOf(folder.path() / "the");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("theirs.12.unfinished"));
  TidyUnfinishedOf(folder.path() / "theirs");
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

// The process is killed between two renames, on a file system that cannot exchange folders.
TEST(TidyUnfinishedTest, AFolderMovedAsideGetsItsNameBack) {
  const TemporaryFolder folder;
  folder.Write("run.12.old.unfinished/a", "old");
  folder.Write("run.12.unfinished/a", "new");
  TidyUnfinishedOf(folder.path() / "run");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("run"));
  EXPECT_EQ(folder.Read("run/a"), "old");
  // After both renames it is no longer needed.
  folder.Write("run.12.old.unfinished/a", "older");
  TidyUnfinishedOf(folder.path() / "run");
  EXPECT_EQ(folder.Read("run/a"), "old");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("run"));
}

TEST(TidyUnfinishedTest, WhatWasBeingRemovedStaysRemoved) {
  const TemporaryFolder folder;
  folder.Write("run.12.removed.unfinished/a", "half");
  TidyUnfinishedOf(folder.path() / "run");
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(ExistsTest, TellsFilesFromFolders) {
  const TemporaryFolder folder;
  const fs::path file = folder.Write("file", "");
  EXPECT_TRUE(Exists(file) && IsFile(file) && !IsFolder(file));
  EXPECT_TRUE(Exists(folder.path()) && !IsFile(folder.path()) && IsFolder(folder.path()));
  for (const fs::path& nothing : {folder.path() / "nothing", file / "below"}) {
    EXPECT_FALSE(Exists(nothing) || IsFile(nothing) || IsFolder(nothing));
  }
}

TEST(ExistsTest, NamesWhatTheSystemDoesNotTell) {
  const TemporaryFolder folder;
  const std::string long_name = folder.path() / std::string(300, 'n');
  EXPECT_EQ(UsageErrorOf([&] { Exists(long_name); }),
            long_name + ": cannot be read: File name too long");
  const std::string loop = folder.path() / "loop";
  fs::create_symlink("loop", loop);
  EXPECT_EQ(UsageErrorOf([&] { IsFolder(loop); }),
            loop + ": cannot be read: Too many levels of symbolic links");
}

}  // namespace
}  // namespace wavemt
