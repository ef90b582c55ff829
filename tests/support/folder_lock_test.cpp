#include "support/folder_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>

#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

TEST(FolderLockTest, AnotherOneWaitsUntilItIsFree) {
  const TemporaryFolder folder;
  auto first = std::make_unique<FolderLock>(folder.path());
  EXPECT_TRUE(first->held());
  std::promise<void> waits;
  std::atomic<bool> released = false;
  auto second = std::async(std::launch::async, [&] {
    const FolderLock lock(folder.path(), [&] { waits.set_value(); });
    EXPECT_TRUE(released);
    return lock.held();
  });
  waits.get_future().wait();
  released = true;
  first.reset();
  EXPECT_TRUE(second.get());
}

TEST(FolderLockTest, NobodyWaitsForAProcessThatIsGone) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    _exit(lock.held() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const FolderLock lock(folder.path(), [] { FAIL() << "waits"; });
  EXPECT_TRUE(lock.held());
}

TEST(FolderLockTest, FoldersAreLockedOneByOne) {
  const TemporaryFolder one;
  const TemporaryFolder other;
  const FolderLock first(one.path());
  const FolderLock second(other.path(), [] { FAIL() << "waits"; });
  EXPECT_TRUE(second.held());
}

TEST(FolderLockTest, AFolderThatIsMissingIsNotHeld) {
  const TemporaryFolder folder;
  EXPECT_FALSE(FolderLock(folder.path() / "none").held());
}

}  // namespace
}  // namespace wavemt
