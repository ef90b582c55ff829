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

// Does `work` in a process of its own that ends as if it had been killed: no destructor runs.
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
    // A process of its own, since root may read everything.
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
  full.Write("text");  // Kept for now.
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

TEST(StagedFileTest, WithoutCommitChangesNothing) {
  const TemporaryFolder folder;
  folder.Write("file", "old");
  { StagedFile(folder.path() / "file").Write("new"); }
  EXPECT_EQ(folder.Read("file"), "old");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(StagedDirectoryTest, IsThereOnlyAfterCommit) {
  const TemporaryFolder folder;
  const fs::path final_path = folder.path() / "on/the/way/folder";
  StagedDirectory directory(final_path);
  WriteFileAtomically(directory.path() / "a", "1");
  EXPECT_FALSE(fs::exists(final_path));
  directory.Commit();
  EXPECT_EQ(folder.Read("on/the/way/folder/a"), "1");
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

TEST(RemoveUnfinishedTest, TakesAwayWhatAKilledProcessLeft) {
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
  RemoveUnfinished(folder.path());
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
  EXPECT_EQ(folder.Read("file"), "old");
}

TEST(RemoveUnfinishedTest, LooksDirectlyInTheFolderOnly) {
  const TemporaryFolder folder;
  folder.Write("inner/other.unfinished", "");
  folder.Write("unfinished.txt", "");
  folder.Write("work.finished", "");
  RemoveUnfinished(folder.path());
  EXPECT_TRUE(fs::exists(folder.path() / "inner/other.unfinished"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("inner", "unfinished.txt", "work.finished"));
  EXPECT_NO_THROW(RemoveUnfinished(folder.path() / "missing"));
}

}  // namespace
}  // namespace wavemt
