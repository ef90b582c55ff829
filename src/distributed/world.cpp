#include "distributed/world.h"

#include <c10/util/Flags.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "distributed/lifeline.h"
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

std::string FirstLine(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

std::string HostName() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return host;
}

std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string Text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// A connection to the store in which the ranks meet.
intrusive_ptr<c10d::Store> Connect(const Rendezvous& rendezvous, bool opens, seconds patience) {
  c10d::TCPStoreOptions options;
  options.port = rendezvous.port;
  options.isServer = opens;
  options.waitWorkers = false;
  options.timeout = patience;
  return c10::make_intrusive<c10d::PrefixStore>(
      "wavemt", c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options));
}

intrusive_ptr<c10d::Store> Meet(const Rendezvous& rendezvous, seconds patience) {
  const bool opens = rendezvous.rank == 0 && !rendezvous.store_exists;
  try {
    return Connect(rendezvous, opens, patience);
  } catch (const std::exception& error) {
    const std::string reason = FirstLine(error);
    spdlog::debug("{}", reason);
    if (!opens) {
      throw Failure(
          "rank {}: nothing answers at {} port {} within {} seconds: rank 0 has not been started "
          "there, or MASTER_ADDR or MASTER_PORT is wrong, or a firewall is in the way",
          rendezvous.rank, rendezvous.address, rendezvous.port, patience.count());
    }
    if (reason.find("EADDRINUSE") != std::string::npos ||
        reason.find("in use") != std::string::npos) {
      throw Failure(
          "rank 0: port {} of this machine is in use, by another program or another rank 0; give "
          "all ranks another MASTER_PORT",
          rendezvous.port);
    }
    throw Failure("rank 0: port {} of {} cannot be opened on this machine: {}", rendezvous.port,
                  rendezvous.address, reason);
  }
}

// How the ranks find each other in a store that may hold the keys of an earlier attempt, some of
// whose processes may even be alive: torchrun keeps its store when it starts all processes anew.
//
// Each process says hello under a number of its own. Rank 0 calls a session, with the newest hello
// of each rank; every process that finds its hello in it accepts; when all have, the session
// begins. A newer hello of a rank makes rank 0 call another session.
class RollCall {
 public:
  RollCall(c10d::Store& store, const Rendezvous& rendezvous, seconds patience)
      : store_(store), rendezvous_(rendezvous), patience_(patience) {}

  struct Session {
    std::string name;                // Of no other session in the store.
    std::vector<std::string> names;  // Of the ranks.
  };

  Session Take() {
    own_name_ = fmt::format("rank {} on {}", rendezvous_.rank, HostName());
    own_ = store_.add("hellos", 1);
    store_.set(HelloKey(own_), Bytes(fmt::format("{} {}", rendezvous_.rank, own_name_)));
    newest_.assign(static_cast<size_t>(rendezvous_.size), 0);
    names_.resize(newest_.size());
    const auto start = std::chrono::steady_clock::now();
    auto last_said = start;
    while (true) {
      ReadHellos();
      if (rendezvous_.rank == 0) CallSession();
      if (const auto name = BegunSession()) return {.name = *name, .names = names_};
      const auto now = std::chrono::steady_clock::now();
      if (now - start > patience_) {
        throw Failure("rank {}: of {} ranks, {} did not come within {} seconds", rendezvous_.rank,
                      rendezvous_.size, Missing(), patience_.count());
      }
      if (now - last_said > seconds(10)) {
        last_said = now;
        spdlog::info("waiting for {}", Missing());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

 private:
  static std::string HelloKey(int64_t number) { return fmt::format("hello/{}", number); }
  std::string AcceptKey(const std::string& session, int rank) const {
    return fmt::format("accept/{}/{}", session, rank);
  }

  void ReadHellos() {
    for (const int64_t last = store_.add("hellos", 0); read_ < last; ++read_) {
      // The number is given out before the text is there.
      if (!store_.check({HelloKey(read_ + 1)})) break;
      const std::string text = Text(store_.get(HelloKey(read_ + 1)));
      size_t rank = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
      if (error != std::errc() || rank >= newest_.size()) continue;
      newest_[rank] = read_ + 1;
      names_[rank] = text.substr(std::min(static_cast<size_t>(end - text.data()) + 1, text.size()));
    }
    const int64_t of_own_rank = newest_[static_cast<size_t>(rendezvous_.rank)];
    if (of_own_rank > own_) {
      throw Failure("{} has been started twice; each rank needs a number of its own", own_name_);
    }
  }

  // The hellos of a session are its name: "3-4-7".
  std::string NameOfNewest() const { return fmt::format("{}", fmt::join(newest_, "-")); }

  void CallSession() {
    if (std::ranges::find(newest_, 0) != newest_.end()) return;
    const std::string name = NameOfNewest();
    if (name == called_) return;
    called_ = name;
    store_.set("session", Bytes(name));
  }

  std::optional<std::string> BegunSession() {
    if (!store_.check({"session"})) return std::nullopt;
    const std::string name = Text(store_.get("session"));
    if (name != NameOfNewest()) return std::nullopt;  // Of an earlier attempt, or out of date.
    store_.set(AcceptKey(name, rendezvous_.rank), Bytes("1"));
    for (int rank = 0; rank < rendezvous_.size; ++rank) {
      if (!store_.check({AcceptKey(name, rank)})) return std::nullopt;
    }
    return name;
  }

  // Ranks that have not said hello or, when all have, not accepted the session: "rank 1, rank 2".
  std::string Missing() {
    const bool all_said_hello = std::ranges::find(newest_, 0) == newest_.end();
    std::vector<std::string> missing;
    for (int rank = 0; rank < rendezvous_.size; ++rank) {
      const bool is_missing = all_said_hello ? !store_.check({AcceptKey(NameOfNewest(), rank)})
                                             : newest_[static_cast<size_t>(rank)] == 0;
      if (is_missing) missing.push_back(fmt::format("rank {}", rank));
    }
    return fmt::format("{}", fmt::join(missing, ", "));
  }

  c10d::Store& store_;
  const Rendezvous& rendezvous_;
  seconds patience_;
  std::string own_name_;
  int64_t own_ = 0;
  int64_t read_ = 0;             // Hellos read so far; they count from 1.
  std::vector<int64_t> newest_;  // The newest hello of each rank; 0: none yet.
  std::vector<std::string> names_;
  std::string called_;
};

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
  const intrusive_ptr<c10d::Store> store = Meet(rendezvous, options.patience);
  RollCall::Session session;
  try {
    session = RollCall(*store, rendezvous, options.patience).Take();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    spdlog::debug("{}", FirstLine(error));
    throw Failure("rank {}: rank 0 ended before all ranks had joined", rank_);
  }
  group.names = session.names;
  const auto of_session = [&](const intrusive_ptr<c10d::Store>& whole) {
    return c10::make_intrusive<c10d::PrefixStore>(session.name, whole);
  };
  group.store = of_session(store);
  group.lifeline = std::make_unique<Lifeline>(
      of_session(Connect(rendezvous, /*opens=*/false, /*patience=*/seconds(30))),
      Lifeline::Options{.rank = rank_,
                        .size = size_,
                        .names = group.names,
                        .give_up = options.give_up ? options.give_up : EndProcess});
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
    group.lifeline->AnnounceEnd(fmt::format("{} has ended with an error", NameOf(rank_)));
    throw;
  } catch (const std::exception& error) {
    group.lifeline->AnnounceEnd(fmt::format("{} has ended with an error", NameOf(rank_)));
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
  if (!group.ends_together && group.lifeline) {
    group.lifeline->AnnounceEnd(fmt::format("{} has ended with an error", NameOf(rank_)));
  }
  group.lifeline.reset();
  if (!group.ends_together || rank_ != 0) return;
  // Rank 0 is the last to go: the others may still be receiving from it, and its store may be
  // theirs.
  const auto end = std::chrono::steady_clock::now() + seconds(10);
  try {
    for (int rank = 1; rank < size_; ++rank) {
      while (!group.store->check({fmt::format("left/{}", rank)}) &&
             std::chrono::steady_clock::now() < end) {
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
  group_->ends_together = true;
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
  group_->ends_together = true;
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
