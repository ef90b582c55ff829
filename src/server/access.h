#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace wavemt {

/// Whether only programs on this machine reach what listens on `host`.
bool IsLoopback(std::string_view host);

/// Whether the header Host is a name of this machine for itself, with or without a port. A web page
/// whose name its owner directs to this machine (DNS rebinding) sends another one.
bool NamesLoopback(std::string_view host_header);

/// Whether the header Origin is that of the server itself, by the header Host.
bool IsSameOrigin(std::string_view origin, std::string_view host_header);

/// Whether `given` is the token. Takes the same time wherever they differ.
bool IsToken(std::string_view given, std::string_view token);

/// The token of the header Authorization, which is "Bearer TOKEN", or nothing.
std::string_view BearerToken(std::string_view authorization);

/// The first line of a file. A usage error if it is empty or cannot be sent in a header. Warns if
/// everybody on the machine may read it.
std::string ReadToken(const std::filesystem::path& file);

}  // namespace wavemt
