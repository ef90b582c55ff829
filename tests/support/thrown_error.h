#pragma once

#include <string>

#include "support/error.h"

namespace wavemt {

// The message of the error that `work` throws if it is of this kind, else what happened instead.
template <typename Work>
std::string MessageOf(Error::Kind kind, Work work) {
  try {
    work();
  } catch (const Error& error) {
    return (error.kind() == kind ? "" : "an error of the other kind: ") + std::string(error.what());
  }
  return "no error";
}

template <typename Work>
std::string UsageErrorOf(Work work) {
  return MessageOf(Error::Kind::kUsage, work);
}

template <typename Work>
std::string FailureOf(Work work) {
  return MessageOf(Error::Kind::kFailure, work);
}

}  // namespace wavemt
