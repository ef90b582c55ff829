#include "training/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <thread>
#include <utility>
#include <vector>

namespace wavemt {
namespace {

constexpr int64_t kNoLimit = int64_t{1} << 60;

class TensorMemoryTest : public testing::Test {
 protected:
  TensorMemoryTest() { TensorMemory::BeginCounting(); }
  ~TensorMemoryTest() override { TensorMemory::SetLimit(kNoLimit); }

  const int64_t before_ = TensorMemory::InUse();
};

TEST_F(TensorMemoryTest, CountsTheBytesOfTensorsThatLive) {
  {
    const auto a = torch::zeros({1000}, torch::kFloat);
    EXPECT_EQ(TensorMemory::InUse() - before_, 4000);
    const auto view = a.narrow(0, 10, 500);
    EXPECT_EQ(TensorMemory::InUse() - before_, 4000);
    const auto b = a.clone();
    EXPECT_EQ(TensorMemory::InUse() - before_, 8000);
    auto c = torch::empty({0}, torch::kFloat);
    c.resize_({2000});
    EXPECT_EQ(TensorMemory::InUse() - before_, 16000);
    EXPECT_TRUE(torch::equal(a, b));
  }
  EXPECT_EQ(TensorMemory::InUse(), before_);
}

TEST_F(TensorMemoryTest, LeavesOutTinyTensors) {
  const auto scalar = torch::zeros({});
  const auto few = torch::zeros({100});
  EXPECT_EQ(TensorMemory::InUse(), before_);
}

TEST_F(TensorMemoryTest, DataIsAlignedAsLibTorchsOwn) {
  std::vector<torch::Tensor> tensors;
  for (int64_t size = 1; size < 3000; size += 7) {
    tensors.push_back(torch::zeros({size}, torch::kByte));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensors.back().data_ptr()) % 64, 0U) << size;
  }
}

TEST_F(TensorMemoryTest, RefusesWhatLeadsAboveTheLimit) {
  TensorMemory::SetLimit(before_ + 10'000);
  EXPECT_EQ(TensorMemory::Limit(), before_ + 10'000);
  auto a = torch::zeros({2000}, torch::kFloat);
  EXPECT_THROW(torch::zeros({501}, torch::kFloat), c10::OutOfMemoryError);
  EXPECT_EQ(TensorMemory::InUse() - before_, 8000);  // A rejected allocation is not counted.
  const auto b = torch::zeros({500}, torch::kFloat);
  EXPECT_THROW(torch::zeros({300}, torch::kFloat), c10::OutOfMemoryError);
  a.reset();
  EXPECT_NO_THROW(torch::zeros({2000}, torch::kFloat));
}

TEST_F(TensorMemoryTest, TensorsFromBeforeTheCountAreFreedAsTheyWere) {
  // Allocated by LibTorch's own allocator.
  auto* const standard = c10::GetDefaultCPUAllocator();
  auto data = standard->allocate(4000);
  EXPECT_EQ(TensorMemory::InUse(), before_);
  data.clear();
  EXPECT_EQ(TensorMemory::InUse(), before_);
}

TEST_F(TensorMemoryTest, LargeTensorsApartAreTensorsLikeOthers) {
  const auto on_heap = torch::arange(1 << 20);
  TensorMemory::KeepLargeApart();
  const auto apart = torch::arange(1 << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(apart.data_ptr()) % 64, 0U);
  EXPECT_TRUE(torch::equal(apart, on_heap));
  EXPECT_EQ(TensorMemory::InUse() - before_, 2 * (8 << 20));
  // The memory of one that is gone is kept for the next.
  const auto* const data = torch::arange(3 << 20).data_ptr();
  EXPECT_EQ(torch::arange(3 << 20).data_ptr(), data);
  TensorMemory::Release();
  TensorMemory::SetLimit(before_ + (20 << 20));
  EXPECT_THROW(torch::arange(1 << 20), c10::OutOfMemoryError);
  EXPECT_TRUE(torch::equal(apart, on_heap));
}

TEST_F(TensorMemoryTest, CountsOnAllThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      std::vector<torch::Tensor> tensors(10);
      for (int round = 0; round < 500; ++round) {
        tensors[static_cast<size_t>(round) % 10] = torch::empty({512 + round}, torch::kFloat);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(TensorMemory::InUse(), before_);
}

}  // namespace
}  // namespace wavemt
