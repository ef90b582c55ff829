#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "support/error.h"

namespace wavemt {

/// Why a request is not answered.
enum class Refusal {
  kInvalid,      // Something in the request is wrong.
  kToken,        // The token is missing or wrong.
  kForeignPage,  // A web page of another site asks.
  kUnknownPath,  // There is no such path.
  kMethod,       // The path knows other methods.
  kSlow,         // The client took too long to send it.
  kNoLength,     // It does not say how long it is.
  kTooLarge,     // It is larger than a limit.
  kMediaType,    // Its body has a form that this server does not read.
  kHeadTooLarge,
  kUnsupported,  // It asks for something that this server does not do.
  kFailed,       // Our own failure.
  kQueueFull,    // Too many lines are waiting.
  kStopping,     // The server is about to end.
  kTimeOut,      // It took us too long.
};

/// The HTTP status of the answer.
constexpr int StatusOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kInvalid:
      return 400;
    case Refusal::kToken:
      return 401;
    case Refusal::kForeignPage:
      return 403;
    case Refusal::kUnknownPath:
      return 404;
    case Refusal::kMethod:
      return 405;
    case Refusal::kSlow:
      return 408;
    case Refusal::kNoLength:
      return 411;
    case Refusal::kTooLarge:
      return 413;
    case Refusal::kMediaType:
      return 415;
    case Refusal::kHeadTooLarge:
      return 431;
    case Refusal::kFailed:
      return 500;
    case Refusal::kUnsupported:
      return 501;
    case Refusal::kQueueFull:
    case Refusal::kStopping:
      return 503;
    case Refusal::kTimeOut:
      return 504;
  }
  return 500;
}

/// The name of the reason in /metrics.
constexpr const char* NameOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kInvalid:
      return "invalid";
    case Refusal::kToken:
      return "token";
    case Refusal::kForeignPage:
      return "foreign_page";
    case Refusal::kUnknownPath:
      return "unknown_path";
    case Refusal::kMethod:
      return "method";
    case Refusal::kSlow:
      return "slow";
    case Refusal::kNoLength:
      return "no_length";
    case Refusal::kTooLarge:
      return "too_large";
    case Refusal::kMediaType:
      return "media_type";
    case Refusal::kHeadTooLarge:
      return "head_too_large";
    case Refusal::kUnsupported:
      return "unsupported";
    case Refusal::kFailed:
      return "failed";
    case Refusal::kQueueFull:
      return "queue_full";
    case Refusal::kStopping:
      return "stopping";
    case Refusal::kTimeOut:
      return "time_out";
  }
  return "failed";
}

/// A request that is answered by an error. The message is a sentence for its author.
class RequestError : public Error {
 public:
  RequestError(Refusal refusal, const std::string& message)
      : Error(StatusOf(refusal) < 500 ? Kind::kUsage : Kind::kFailure, message),
        refusal_(refusal) {}

  Refusal refusal() const { return refusal_; }

 private:
  Refusal refusal_;
};

template <typename... Args>
[[nodiscard]] RequestError Refuse(Refusal refusal, fmt::format_string<Args...> format,
                                  Args&&... args) {
  return {refusal, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace wavemt
