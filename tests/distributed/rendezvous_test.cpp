#include "distributed/rendezvous.h"

#include <gtest/gtest.h>

#include <map>

#include "../support/thrown_error.h"

namespace wavemt {
namespace {

using Variables = std::map<std::string, std::string>;

Environment Of(const Variables& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

const Variables kTorchrun = {{"RANK", "3"},
                             {"WORLD_SIZE", "4"},
                             {"LOCAL_RANK", "1"},
                             {"LOCAL_WORLD_SIZE", "2"},
                             {"MASTER_ADDR", "node1"},
                             {"MASTER_PORT", "1234"},
                             {"TORCHELASTIC_USE_AGENT_STORE", "True"}};

TEST(RendezvousTest, OneProcessNeedsNone) {
  EXPECT_FALSE(FindRendezvous(Of({})));
  EXPECT_FALSE(FindRendezvous(Of({{"RANK", "0"}, {"WORLD_SIZE", "1"}})));
  EXPECT_FALSE(FindRendezvous(Of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}})));
}

TEST(RendezvousTest, OfTorchrun) {
  const auto found = FindRendezvous(Of(kTorchrun));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 3);
  EXPECT_EQ(found->size, 4);
  EXPECT_EQ(found->local_rank, 1);
  EXPECT_EQ(found->local_size, 2);
  EXPECT_EQ(found->address, "node1");
  EXPECT_EQ(found->port, 1234);
  EXPECT_TRUE(found->store_exists);
  EXPECT_EQ(found->starter, "torchrun");
}

TEST(RendezvousTest, OfSlurm) {
  Variables variables = {{"SLURM_PROCID", "5"},
                         {"SLURM_NTASKS", "8"},
                         {"SLURM_LOCALID", "1"},
                         {"SLURM_STEP_NODELIST", "gpu[07-08]"},
                         {"SLURM_JOB_ID", "123456"}};
  const auto found = FindRendezvous(Of(variables));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 5);
  EXPECT_EQ(found->size, 8);
  EXPECT_EQ(found->local_rank, 1);
  EXPECT_EQ(found->local_size, 0);
  EXPECT_EQ(found->address, "gpu07");
  EXPECT_EQ(found->port, 20000 + 3456);
  EXPECT_FALSE(found->store_exists);
  variables["MASTER_ADDR"] = "10.0.0.1";
  variables["MASTER_PORT"] = "77";
  variables["SLURM_STEP_NUM_NODES"] = "1";
  EXPECT_EQ(FindRendezvous(Of(variables))->address, "10.0.0.1");
  EXPECT_EQ(FindRendezvous(Of(variables))->port, 77);
  EXPECT_EQ(FindRendezvous(Of(variables))->local_size, 8);
  variables["SLURM_STEP_NUM_TASKS"] = "6";
  EXPECT_EQ(FindRendezvous(Of(variables))->size, 6);
  // The batch script itself runs once, outside of any step.
  variables.erase("SLURM_STEP_NODELIST");
  EXPECT_FALSE(FindRendezvous(Of(variables)));
}

TEST(RendezvousTest, OfOpenMpi) {
  Variables variables = {{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  const auto found = FindRendezvous(Of(variables));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 1);
  EXPECT_EQ(found->address, "127.0.0.1");
  EXPECT_EQ(found->port, 29500);
  variables["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  EXPECT_NE(UsageErrorOf([&] { FindRendezvous(Of(variables)); }).find("mpirun -x MASTER_ADDR"),
            std::string::npos);
  variables["MASTER_ADDR"] = "node1";
  EXPECT_EQ(FindRendezvous(Of(variables))->address, "node1");
}

TEST(RendezvousTest, WrongVariablesAreNamed) {
  const auto error_with = [](const std::string& name, const std::string& value) {
    Variables variables = kTorchrun;
    variables[name] = value;
    if (value.empty()) variables.erase(name);
    return UsageErrorOf([&] { FindRendezvous(Of(variables)); });
  };
  EXPECT_EQ(error_with("RANK", "4"),
            "RANK=4 in the environment: must be a whole number from 0 to 3");
  EXPECT_EQ(error_with("RANK", "1x"),
            "RANK=1x in the environment: must be a whole number from 0 to 3");
  EXPECT_EQ(error_with("WORLD_SIZE", "0"),
            "WORLD_SIZE=0 in the environment: must be a whole number from 1 to 100000");
  EXPECT_EQ(error_with("MASTER_PORT", "70000"),
            "MASTER_PORT=70000 in the environment: must be a whole number from 1 to 65535");
  for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"}) {
    EXPECT_EQ(error_with(name, "").find(std::string(name) + ": is not set"), 0U) << name;
  }
}

TEST(RendezvousTest, FirstHostOfAList) {
  EXPECT_EQ(FirstHost("login1"), "login1");
  EXPECT_EQ(FirstHost("a1,b[2-3]"), "a1");
  EXPECT_EQ(FirstHost("node[07-09,12],login1"), "node07");
  EXPECT_EQ(FirstHost("node[3,5]-ib,x"), "node3-ib");
  EXPECT_EQ(FirstHost("node[17]"), "node17");
}

}  // namespace
}  // namespace wavemt
