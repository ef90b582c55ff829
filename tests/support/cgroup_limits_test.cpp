#include "support/cgroup_limits.h"

#include <gtest/gtest.h>

#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

TEST(CgroupLimits, OfVersionTwoAreTheSmallestOfTheGroupAndThoseAroundIt) {
  const TemporaryFolder root;
  root.Write("proc/self/cgroup", "0::/jobs/mine\n");
  root.Write("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");
  root.Write("sys/fs/cgroup/jobs/memory.max", "max\n");
  root.Write("sys/fs/cgroup/jobs/mine/cpu.max", "max 100000\n");
  root.Write("sys/fs/cgroup/jobs/mine/memory.max", "2147483648\n");
  const CgroupLimits limits = ReadCgroupLimits(root.path());
  EXPECT_EQ(limits.processors, 1.5);
  EXPECT_EQ(limits.memory, 2147483648);
}

TEST(CgroupLimits, OfAContainerThatSeesItsOwnGroupAsTheRoot) {
  const TemporaryFolder root;
  root.Write("proc/self/cgroup", "0::/../../hidden\n");
  root.Write("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(ReadCgroupLimits(root.path()).processors, 4.0);
}

TEST(CgroupLimits, OfVersionOneAreInAHierarchyForEachController) {
  const TemporaryFolder root;
  root.Write("proc/self/cgroup",
             "12:cpuset:/\n7:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n");
  root.Write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "300000\n");
  root.Write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  root.Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root.Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  root.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  const CgroupLimits limits = ReadCgroupLimits(root.path());
  EXPECT_EQ(limits.processors, 3.0);
  EXPECT_EQ(limits.memory, std::nullopt);
}

TEST(CgroupLimits, WhatMakesNoSenseIsNoLimit) {
  const TemporaryFolder root;
  EXPECT_EQ(ReadCgroupLimits(root.path()).processors, std::nullopt);
  for (const char* groups : {"", "nonsense\n", "0:\n", "0::/a\n:::\n"}) {
    root.Write("proc/self/cgroup", groups);
    root.Write("sys/fs/cgroup/cpu.max", "-1 0\n");
    root.Write("sys/fs/cgroup/memory.max", "many\n");
    root.Write("sys/fs/cgroup/a/cpu.max", "");
    const CgroupLimits limits = ReadCgroupLimits(root.path());
    EXPECT_EQ(limits.processors, std::nullopt) << groups;
    EXPECT_EQ(limits.memory, std::nullopt) << groups;
  }
}

}  // namespace
}  // namespace wavemt
