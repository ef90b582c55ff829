#include "decoding/thread_team.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

namespace wavemt {
namespace {

TEST(ThreadTeam, EachThreadWorksOnce) {
  ThreadTeam team;
  for (const size_t count : {1, 3, 2, 5, 1, 5}) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    team.Run(count, [&] {
      const std::scoped_lock lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(threads.size(), count);
    EXPECT_TRUE(threads.contains(std::this_thread::get_id()));
  }
}

TEST(ThreadTeam, LibTorchHasOneThreadForEachOnlyMeanwhile) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  ThreadTeam team;
  std::atomic<int> of_all = 0;
  team.Run(4, [&] { of_all += at::get_num_threads(); });
  EXPECT_EQ(of_all, 4);
  EXPECT_EQ(at::get_num_threads(), 3);
  at::set_num_threads(before);
}

TEST(ThreadTeam, CallsFromSeveralThreadsTakeTurns) {
  ThreadTeam team;
  std::atomic<int> inside = 0;
  std::atomic<int> done = 0;
  std::atomic<bool> overlapped = false;
  const auto call = [&] {
    for (int i = 0; i < 50; ++i) {
      team.Run(2, [&] {
        overlapped = overlapped || ++inside > 2;
        --inside;
        ++done;
      });
    }
  };
  std::jthread other(call);
  call();
  other.join();
  EXPECT_EQ(done, 200);
  EXPECT_FALSE(overlapped);
}

}  // namespace
}  // namespace wavemt
