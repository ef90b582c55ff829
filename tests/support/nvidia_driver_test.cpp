#include "support/nvidia_driver.h"

#include <gtest/gtest.h>

#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

TEST(NvidiaDriver, IsReadFromWhatTheDriverFills) {
  const TemporaryFolder proc;
  EXPECT_EQ(ReadNvidiaDriver(proc.path()).version, "");
  proc.Write("driver/nvidia/version",
             "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build\n"
             "GCC version:  gcc version 12.2.0\n");
  EXPECT_TRUE(ReadNvidiaDriver(proc.path()).gpus.empty());
  proc.Write("driver/nvidia/gpus/0000:02:00.0/information", "IRQ: 5\n");
  proc.Write("driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\nIRQ: 4\n");
  const NvidiaDriver driver = ReadNvidiaDriver(proc.path());
  EXPECT_EQ(driver.version, "565.57.01");
  EXPECT_EQ(driver.gpus, (std::vector<std::string>{"NVIDIA H200", "unknown GPU"}));
}

}  // namespace
}  // namespace wavemt
