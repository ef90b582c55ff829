#include "model/autocast.h"

#include <ATen/autocast_mode.h>

namespace wavemt {

Autocast::Autocast(torch::Device device, Precision precision)
    : device_type_(device.type()), enabled_(precision == Precision::kBf16) {
  if (!enabled_) return;
  previously_enabled_ = at::autocast::is_autocast_enabled(device_type_);
  at::autocast::set_autocast_dtype(device_type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_type_, true);
}

Autocast::~Autocast() {
  if (!enabled_) return;
  at::autocast::set_autocast_enabled(device_type_, previously_enabled_);
  // The cache of converted weights does not notice that an update changes them.
  at::autocast::clear_cache();
}

Precision Autocast::PrecisionOn(torch::Device device) {
  return at::autocast::is_autocast_enabled(device.type()) ? Precision::kBf16 : Precision::kFp32;
}

}  // namespace wavemt
