#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

#include "distributed/world.h"

namespace wavemt {

// A port that was free a moment ago.
inline uint16_t FreePort() {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(file, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(file);
  return ntohs(address.sin_port);
}

inline Rendezvous RankOf(int rank, int size, uint16_t port) {
  return {.rank = rank,
          .size = size,
          .local_rank = rank,
          .local_size = size,
          .address = "127.0.0.1",
          .port = port,
          .starter = "a test"};
}

// Runs `work` on several ranks, each a thread of this process, until all have left.
inline void OnRanks(int size, const std::function<void(const std::shared_ptr<World>&)>& work) {
  const uint16_t port = FreePort();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      const auto world = World::Join(RankOf(rank, size, port), {});
      work(world);
      world->Leave();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace wavemt
