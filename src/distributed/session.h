#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "distributed/rendezvous.h"

namespace wavemt {

/// What the processes of a training have in common once all of them have met.
struct Session {
  std::vector<std::string> names;         // Of each rank, for people: "rank 1 on node7".
  c10::intrusive_ptr<c10d::Store> store;  // Holds the keys of this session alone.
  /// Another connection to the same store, which waits at most so long for an answer.
  std::function<c10::intrusive_ptr<c10d::Store>(std::chrono::seconds)> Connect;
};

/// Waits until all ranks are there. Throws a failure if some do not come in time, if the store
/// cannot be opened or reached, or if this rank has been started twice.
Session Meet(const Rendezvous& rendezvous, std::chrono::seconds patience);

/// A text as the store takes it.
std::vector<uint8_t> Bytes(std::string_view text);

/// The first line of what c10d says of an error; stack traces follow it.
std::string FirstLine(const std::exception& error);

}  // namespace wavemt
