#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "support/json.h"

namespace wavemt {

/// What the service allows a request to ask of it.
struct ServiceLimits {
  size_t max_lines = 1000;  // Of one request.
  size_t max_line_bytes = size_t{16}
                          << 10;         // One line holds up the others for as long as it takes.
  size_t max_queue_lines = 10'000;       // Of all requests, waiting to be translated.
  size_t max_batch_lines = 64;           // Translated together.
  size_t max_beam_size = 32;             // Unless the command line asks for a larger one.
  std::chrono::seconds max_seconds{60};  // From the arrival of a request to its last line.
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;    // 0: any that is free.
  std::string token;  // Empty: everybody may translate.
  size_t max_body_bytes = kMaxJsonBytes;
  size_t max_connections = 1024;  // Further ones wait.
  ServiceLimits limits{};
};

}  // namespace wavemt
