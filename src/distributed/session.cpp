#include "distributed/session.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "support/error.h"
#include "support/host_name.h"
#include "support/logging.h"

namespace wavemt {
namespace {

using c10::intrusive_ptr;
using std::chrono::seconds;

std::string Text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// A connection to the store in which the ranks meet.
intrusive_ptr<c10d::Store> ConnectTo(const Rendezvous& rendezvous, bool opens, seconds patience) {
  c10d::TCPStoreOptions options;
  options.port = rendezvous.port;
  options.isServer = opens;
  options.waitWorkers = false;
  options.timeout = patience;
  return c10::make_intrusive<c10d::PrefixStore>(
      "wavemt", c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options));
}

intrusive_ptr<c10d::Store> OpenStore(const Rendezvous& rendezvous, seconds patience) {
  const bool opens = rendezvous.rank == 0 && !rendezvous.store_exists;
  try {
    return ConnectTo(rendezvous, opens, patience);
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

  // Waits until a session begins; returns its name, which no other session in the store has.
  std::string Take() {
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
      if (const auto name = BegunSession()) return *name;
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

  /// The names of the ranks of the session.
  const std::vector<std::string>& names() const { return names_; }

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

}  // namespace

std::vector<uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::string FirstLine(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

Session Meet(const Rendezvous& rendezvous, seconds patience) {
  const intrusive_ptr<c10d::Store> store = OpenStore(rendezvous, patience);
  RollCall roll_call(*store, rendezvous, patience);
  std::string name;
  try {
    name = roll_call.Take();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    spdlog::debug("{}", FirstLine(error));
    throw Failure("rank {}: rank 0 ended before all ranks had joined", rendezvous.rank);
  }
  const auto of_session = [name](const intrusive_ptr<c10d::Store>& whole) {
    return c10::make_intrusive<c10d::PrefixStore>(name, whole);
  };
  return {.names = roll_call.names(),
          .store = of_session(store),
          .Connect = [rendezvous, of_session](seconds of_answer) {
            return of_session(ConnectTo(rendezvous, /*opens=*/false, of_answer));
          }};
}

}  // namespace wavemt
