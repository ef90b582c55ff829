#pragma once

#include <string>

namespace wavemt {

/// The name of this machine; empty if the system does not tell it.
std::string HostName();

}  // namespace wavemt
