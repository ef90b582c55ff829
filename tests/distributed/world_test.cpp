#include "distributed/world.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "../support/thrown_error.h"
#include "ranks_of_threads.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

class WorldTest : public testing::Test {
 protected:
  WorldTest() { spdlog::set_level(spdlog::level::off); }
  ~WorldTest() override { spdlog::set_level(spdlog::level::info); }
};

TEST_F(WorldTest, OneProcessNeedsNobody) {
  World world;
  EXPECT_TRUE(world.is_alone());
  EXPECT_TRUE(world.is_first());
  auto tensor = torch::ones({3});
  world.Sum(tensor);
  world.BeginSum(tensor).Wait();
  world.Broadcast(tensor);
  EXPECT_TRUE(torch::equal(tensor, torch::ones({3})));
  EXPECT_EQ(world.Gather("text"), std::vector<std::string>{"text"});
  EXPECT_EQ(world.FromFirst("text"), "text");
  EXPECT_EQ(world.Max(-3), -3);
  EXPECT_FALSE(world.AnyOf(false));
  EXPECT_THROW(world.Together([] { throw UsageError("wrong"); }), Error);
  world.Leave();
}

TEST_F(WorldTest, WhatRanksExchange) {
  OnRanks(3, [](const std::shared_ptr<World>& joined) {
    World& world = *joined;
    const auto number = static_cast<double>(world.rank() + 1);
    auto sum = torch::full({1000}, number);
    world.Sum(sum);
    EXPECT_TRUE(torch::equal(sum, torch::full({1000}, 6.0)));
    auto precise = torch::full({}, number, torch::kDouble);
    PendingSum pending = world.BeginSum(precise);
    pending.Wait();
    EXPECT_EQ(precise.item<double>(), 6.0);
    EXPECT_TRUE(pending.finished());
    auto short_numbers = torch::full({100}, number, torch::kBFloat16);
    world.Sum(short_numbers);
    EXPECT_EQ(short_numbers[7].item<double>(), 6.0);

    auto tensor = torch::full({2, 2}, number);
    world.Broadcast(tensor, 1);
    EXPECT_TRUE(torch::equal(tensor, torch::full({2, 2}, 2.0)));

    const std::string own(static_cast<size_t>(world.rank()) * 3, static_cast<char>(0xF0));
    EXPECT_EQ(world.Gather(own),
              (std::vector<std::string>{"", "\xF0\xF0\xF0", "\xF0\xF0\xF0\xF0\xF0\xF0"}));
    EXPECT_EQ(world.Gather(""), (std::vector<std::string>{"", "", ""}));
    EXPECT_EQ(world.FromFirst(world.is_first() ? "of 0" : "other"), "of 0");
    EXPECT_EQ(world.Max(-5 - world.rank()), -5);
    EXPECT_TRUE(world.AnyOf(world.rank() == 2));
    EXPECT_FALSE(world.AnyOf(false));
  });
}

TEST_F(WorldTest, AnErrorOfOneIsAnErrorOfAll) {
  OnRanks(2, [](const std::shared_ptr<World>& joined) {
    World& world = *joined;
    world.Together([] {});
    try {
      world.Together([&] {
        if (world.rank() == 1) throw UsageError("{}", "no such file");
      });
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kUsage);
      const std::string said = error.what();
      const std::string expected = "no such file";
      EXPECT_EQ(said.substr(said.size() - expected.size()), expected);
      EXPECT_EQ(said.find("rank 1 on ") == 0, world.is_first()) << said;
    }
    EXPECT_THROW(world.OnFirst([] { throw Failure("of rank 0"); }), Error);
  });
}

TEST_F(WorldTest, WhoeverWaitsForARankThatFailedHearsOfIt) {
  const uint16_t port = FreePort();
  std::thread failing([&] {
    const auto world = World::Join(RankOf(1, 2, port), {});
    world->Max(1);
    // Ends without Leave(), as when an error ends the process.
  });
  const auto world = World::Join(RankOf(0, 2, port), {});
  world->Max(1);
  const std::string said = FailureOf([&] { world->Sum(torch::ones({10})); });
  failing.join();
  EXPECT_NE(said.find("rank 1 on "), std::string::npos) << said;
  EXPECT_NE(said.find("has ended with an error"), std::string::npos) << said;
  EXPECT_TRUE(world->is_broken());
  // What needs no exchange still works.
  bool done = false;
  world->OnFirst([&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_THROW(world->Max(1), Error);
  world->Leave();
}

TEST_F(WorldTest, RanksThatDoNotCome) {
  const uint16_t port = FreePort();
  const World::Options impatient = {.patience = std::chrono::seconds(2)};
  const std::string alone = FailureOf([&] { World::Join(RankOf(0, 3, port), impatient); });
  EXPECT_EQ(alone, "rank 0: of 3 ranks, rank 1, rank 2 did not come within 2 seconds");
  const std::string nobody = FailureOf([&] { World::Join(RankOf(1, 2, FreePort()), impatient); });
  EXPECT_EQ(nobody.find("rank 1: nothing answers at 127.0.0.1 port "), 0U) << nobody;
}

TEST_F(WorldTest, APortInUse) {
  const int file = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  socklen_t size = sizeof(address);
  if (file < 0 || bind(file, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  ASSERT_EQ(listen(file, 1), 0);
  ASSERT_EQ(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const uint16_t port = ntohs(address.sin6_port);
  const std::string said =
      FailureOf([&] { World::Join(RankOf(0, 2, port), {.patience = std::chrono::seconds(2)}); });
  close(file);
  EXPECT_EQ(said, fmt::format("rank 0: port {} of this machine is in use, by another program or "
                              "another rank 0; give all ranks another MASTER_PORT",
                              port));
}

TEST_F(WorldTest, ARankThatIsStartedTwice) {
  const uint16_t port = FreePort();
  const World::Options impatient = {.patience = std::chrono::seconds(5)};
  std::string first;
  std::string second;
  std::thread server([&] {
    try {
      World::Join(RankOf(0, 3, port), impatient);
    } catch (const Error&) {  // Rank 2 is missing.
    }
  });
  std::thread other(
      [&] { first = FailureOf([&] { World::Join(RankOf(1, 3, port), impatient); }); });
  second = FailureOf([&] { World::Join(RankOf(1, 3, port), impatient); });
  server.join();
  other.join();
  const auto is_refused = [](const std::string& said) {
    return said.find("rank 1 on ") == 0 && said.find("has been started twice") != std::string::npos;
  };
  EXPECT_NE(is_refused(first), is_refused(second)) << first << "\n" << second;
}

}  // namespace
}  // namespace wavemt
