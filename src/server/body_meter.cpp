#include "server/body_meter.h"

#include "server/request_error.h"

namespace wavemt {

bool BodyMeter::Take(std::string_view piece, std::string* text) {
  if (std::chrono::steady_clock::now() >= limits_.deadline) {
    is_slow_ = true;
    return false;
  }
  seen_ += piece.size();
  if (seen_ > limits_.max_bytes) is_too_large_ = true;
  if (is_too_large_ || is_no_room_) return seen_ <= limits_.max_dropped_bytes;
  held_ += piece.size();
  if ((*limits_.held += piece.size()) > limits_.max_held) {
    is_no_room_ = true;
  } else {
    text->append(piece);
  }
  return true;
}

void BodyMeter::Check() const {
  if (is_too_large_) {
    throw Refuse(Refusal::kTooLarge, "the body is too large; at most {} bytes are possible",
                 limits_.max_bytes);
  }
  if (is_slow_) throw Refuse(Refusal::kSlow, "the body took too long to arrive");
  if (is_no_room_) {
    throw Refuse(Refusal::kQueueFull, "too many bodies are arriving; try again in a moment");
  }
}

}  // namespace wavemt
