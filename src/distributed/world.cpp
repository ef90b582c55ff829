#include "distributed/world.h"

#include <c10/util/Flags.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <thread>
#include <utility>

#include "distributed/lifeline.h"
#include "distributed/session.h"
#include "support/error.h"
#include "support/logging.h"

C10_DECLARE_int(caffe2_log_level);

namespace wavemt {
namespace {

using c10::intrusive_ptr;
using std::chrono::seconds;

// Waiting is ended by the lifeline, not by a timeout: validation or a save may take long.
constexpr std::chrono::milliseconds kNoLimit = std::chrono::hours(24 * 30);
// How long a broken connection waits for the lifeline to tell who has gone.
constexpr seconds kWaitForReason{40};

#ifdef USE_C10D_GLOO
std::shared_ptr<gloo::transport::Device> GlooDevice(const Rendezvous& rendezvous) {
  // PyTorch's variable for machines with several networks.
  if (const auto interface = ProcessEnvironment("GLOO_SOCKET_IFNAME")) {
    return c10d::ProcessGroupGloo::createDeviceForInterface(*interface);
  }
  // One machine's name may lead nowhere, as in some containers.
  if (rendezvous.local_size == rendezvous.size) {
    return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  }
  return c10d::ProcessGroupGloo::createDefaultDevice();
}
#endif

intrusive_ptr<c10d::Backend> MakeGloo([[maybe_unused]] const intrusive_ptr<c10d::Store>& store,
                                      [[maybe_unused]] const Rendezvous& rendezvous,
                                      [[maybe_unused]] seconds patience) {
#ifdef USE_C10D_GLOO
  const auto options = c10d::ProcessGroupGloo::Options::create(patience);
  options->devices.push_back(GlooDevice(rendezvous));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", store), rendezvous.rank, rendezvous.size,
      options);
#else
  throw UsageError(
      "this wavemt was built without Gloo, which several processes on CPUs need; "
      "scripts/setup.sh installs its headers (libgloo-dev), then scripts/build.sh builds it anew");
#endif
}

intrusive_ptr<c10d::Backend> MakeNccl([[maybe_unused]] const intrusive_ptr<c10d::Store>& store,
                                      [[maybe_unused]] const Rendezvous& rendezvous) {
#ifdef USE_C10D_NCCL
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), rendezvous.rank, rendezvous.size);
#else
  throw UsageError(
      "this wavemt was built without NCCL, which several processes with GPUs need: its header "
      "nccl.h was not found when it was built; `--device cpu` works without it");
#endif
}

[[noreturn]] void EndProcess(const std::string& reason) {
  spdlog::error("{}", reason);
  std::_Exit(1);
}

}  // namespace

struct World::Group {
  std::vector<std::string> names;
  intrusive_ptr<c10d::Store> store;
  std::unique_ptr<Lifeline> lifeline;
  torch::Device control_device = torch::kCPU;
  intrusive_ptr<c10d::Backend> control;  // For decisions: never waits for a GPU, if Gloo is there.
  torch::Tensor number;                  // Of Max(), which must work when memory has run out.
  intrusive_ptr<c10d::Backend> tensors;
  bool ends_together = false;           // All ranks know that this is the end.
  std::optional<std::string> broken{};  // Why nothing can be exchanged any more.
};

struct PendingSum::State {
  intrusive_ptr<c10d::Work> work;
  World* world = nullptr;
  std::atomic<Clock::rep> finished{0};  // Ticks of the clock; 0: not yet.
};

PendingSum::PendingSum() = default;
PendingSum::~PendingSum() = default;
PendingSum::PendingSum(PendingSum&&) noexcept = default;
PendingSum& PendingSum::operator=(PendingSum&&) noexcept = default;

void PendingSum::Wait() {
  if (!state_ || !state_->work) return;
  try {
    const Lifeline::Wait waiting(*state_->world->group_->lifeline);
    state_->work->wait();
  } catch (const std::exception& error) {
    state_->world->ThrowLost(error);
  }
  state_->work.reset();
}

std::optional<PendingSum::Clock::time_point> PendingSum::finished() const {
  const Clock::rep ticks = state_ ? state_->finished.load() : 0;
  if (ticks == 0) return std::nullopt;
  return Clock::time_point(Clock::duration(ticks));
}

World::World() = default;

World::World(const Rendezvous& rendezvous, const Options& options)
    : rank_(rendezvous.rank), size_(rendezvous.size), group_(std::make_unique<Group>()) {
  // c10d logs each failed attempt with a stack trace; a sentence of ours follows.
  constexpr int kNothing = 4;
  if (!ProcessEnvironment("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = kNothing;
  Group& group = *group_;
  Session session = Meet(rendezvous, options.patience);
  group.names = session.names;
  group.store = session.store;
  group.lifeline = std::make_unique<Lifeline>(
      session.Connect(/*patience=*/seconds(30)),
      Lifeline::Options{
          .rank = rank_, .size = size_, .names = std::move(session.names), .give_up = EndProcess});
  try {
    if (options.device.is_cuda()) group.tensors = MakeNccl(group.store, rendezvous);
#ifdef USE_C10D_GLOO
    group.control = MakeGloo(group.store, rendezvous, options.patience);
#else
    group.control = options.device.is_cuda() ? group.tensors
                                             : MakeGloo(group.store, rendezvous, options.patience);
    group.control_device = options.device;
#endif
    if (!group.tensors) group.tensors = group.control;
    group.number =
        torch::zeros({1}, torch::TensorOptions(group.control_device).dtype(torch::kInt64));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Failure(
        "rank {}: the ranks cannot connect to each other: {}; GLOO_SOCKET_IFNAME names the network "
        "interface that they are to use",
        rank_, FirstLine(error));
  }
}

std::shared_ptr<World> World::Join(const Rendezvous& rendezvous, const Options& options) {
  std::shared_ptr<World> world(new World(rendezvous, options));
  spdlog::info("{} of {} processes, started by {}, meeting at {} port {}; {}",
               world->NameOf(world->rank_), rendezvous.size, rendezvous.starter, rendezvous.address,
               rendezvous.port, options.device.is_cuda() ? "NCCL" : "Gloo");
  return world;
}

World::~World() {
  if (!group_) return;
  Group& group = *group_;
  group.lifeline.reset();
  if (!group.ends_together || rank_ != 0) return;
  // Rank 0 is the last to go: the others may still be receiving from it, and its store may be
  // theirs.
  const auto end = std::chrono::steady_clock::now() + seconds(10);
  try {
    for (int rank = 1; rank < size_; ++rank) {
      while (!Lifeline::HasLeft(*group.store, rank) && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  } catch (const std::exception& error) {
    spdlog::debug("the store of the training: {}", error.what());
  }
}

const std::string& World::NameOf(int rank) const {
  return group_->names[static_cast<size_t>(rank)];
}

bool World::is_broken() const { return group_ && group_->broken; }

PendingSum World::Begin(const torch::Tensor& tensor, bool is_control, bool is_max) {
  if (is_broken()) throw Failure("{}", *group_->broken);
  PendingSum pending;
  pending.state_ = std::make_shared<PendingSum::State>();
  pending.state_->world = this;
  c10d::AllreduceOptions options;
  options.reduceOp = is_max ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
  options.timeout = kNoLimit;
  std::vector<torch::Tensor> tensors = {tensor};
  try {
    pending.state_->work =
        (is_control ? group_->control : group_->tensors)->allreduce(tensors, options);
    if (tensor.is_cpu()) {
      // Weak: the work owns the callback.
      pending.state_->work->getFuture()->addCallback(
          [state = std::weak_ptr(pending.state_)](c10::ivalue::Future&) {
            if (const auto alive = state.lock()) {
              alive->finished = PendingSum::Clock::now().time_since_epoch().count();
            }
          });
    }
  } catch (const std::exception& error) {
    ThrowLost(error);
  }
  return pending;
}

void World::Sum(const torch::Tensor& tensor) { BeginSum(tensor).Wait(); }

PendingSum World::BeginSum(const torch::Tensor& tensor) {
  if (is_alone()) return {};
  return Begin(tensor, /*is_control=*/false, /*is_max=*/false);
}

void World::Broadcast(const torch::Tensor& tensor, int from) {
  if (is_alone()) return;
  if (is_broken()) throw Failure("{}", *group_->broken);
  c10d::BroadcastOptions options;
  options.rootRank = from;
  options.timeout = kNoLimit;
  std::vector<torch::Tensor> tensors = {tensor};
  try {
    const Lifeline::Wait waiting(*group_->lifeline);
    group_->tensors->broadcast(tensors, options)->wait();
  } catch (const std::exception& error) {
    ThrowLost(error);
  }
}

std::vector<std::string> World::Gather(std::string_view text) {
  if (is_alone()) return {std::string(text)};
  // Each rank fills in its part of what is zero elsewhere, so that the sum is all of it.
  const auto on_control = [&](const torch::Tensor& tensor) {
    const torch::Tensor sum = tensor.to(group_->control_device);
    Begin(sum, /*is_control=*/true, /*is_max=*/false).Wait();
    return sum.cpu();
  };
  torch::Tensor sizes = torch::zeros({size_}, torch::kInt64);
  sizes[rank_] = static_cast<int64_t>(text.size());
  sizes = on_control(sizes);
  const auto* size = sizes.const_data_ptr<int64_t>();
  const int64_t before = std::accumulate(size, size + rank_, int64_t{0});
  torch::Tensor bytes =
      torch::zeros({std::accumulate(size, size + size_, int64_t{0})}, torch::kUInt8);
  std::copy(text.begin(), text.end(), bytes.mutable_data_ptr<uint8_t>() + before);
  if (bytes.numel() > 0) bytes = on_control(bytes);
  std::vector<std::string> texts;
  const auto* next = reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>());
  for (int rank = 0; rank < size_; ++rank) {
    texts.emplace_back(next, static_cast<size_t>(size[rank]));
    next += size[rank];
  }
  return texts;
}

std::string World::FromFirst(std::string_view text) {
  return Gather(is_first() ? text : std::string_view()).front();
}

int64_t World::Max(int64_t number) {
  if (is_alone()) return number;
  group_->number.fill_(number);
  Begin(group_->number, /*is_control=*/true, /*is_max=*/true).Wait();
  return group_->number.item<int64_t>();
}

void World::Together(const std::function<void()>& work) {
  if (is_alone() || is_broken()) {
    work();
    return;
  }
  // A report is empty, or the kind of the error and its message.
  std::string report;
  std::exception_ptr own;
  try {
    work();
  } catch (const Error& error) {
    own = std::current_exception();
    report = fmt::format("{}{}", error.exit_code(), error.what());
  } catch (const std::exception& error) {
    // All ranks get the same kind of exception.
    own = std::make_exception_ptr(Failure("{}", FirstLine(error)));
    report = fmt::format("1{}", FirstLine(error));
  }
  const std::vector<std::string> reports = Gather(report);
  const auto failed = std::ranges::find_if(reports, [](const auto& r) { return !r.empty(); });
  if (failed == reports.end()) return;
  EndTogether();
  // One sentence for all of them.
  if (!is_first()) spdlog::set_level(spdlog::level::off);
  if (own && (failed == reports.begin() || !is_first())) std::rethrow_exception(own);
  const auto kind = failed->front() == '2' ? Error::Kind::kUsage : Error::Kind::kFailure;
  const auto rank = static_cast<size_t>(failed - reports.begin());
  throw Error(kind, fmt::format("{}: {}", group_->names[rank], failed->substr(1)));
}

void World::OnFirst(const std::function<void()>& work) {
  Together([&] {
    if (is_first()) work();
  });
}

void World::Leave() {
  if (is_alone() || is_broken()) return;
  AnyOf(false);
  EndTogether();
}

void World::EndTogether() {
  group_->ends_together = true;
  group_->lifeline->LeaveQuietly();
}

void World::ThrowLost(const std::exception& error) {
  const std::string what = FirstLine(error);
  spdlog::debug("rank {}: {}", rank_, what);
  const auto reason = group_->lifeline->ReasonToEnd(kWaitForReason);
  group_->broken =
      reason ? *reason
             : fmt::format("rank {}: the connection to another rank is broken: {}", rank_, what);
  throw Failure("{}", *group_->broken);
}

}  // namespace wavemt
