#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The wire format of protocol buffers, as far as TensorBoard's messages need it. Each function
/// returns one field of a message; a message is the text of its fields, one after another.
namespace wavemt::protobuf {

/// An integer, a truth value or a member of an enumeration.
std::string Varint(int number, uint64_t value);
std::string Double(int number, double value);
std::string Float(int number, float value);
/// A string, or a message.
std::string Bytes(int number, std::string_view value);

}  // namespace wavemt::protobuf
