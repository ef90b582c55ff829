#pragma once

namespace wavemt {

/// A number in Python code that uses NumPy 2: a Python float or a NumPy float32. Any operation that
/// involves a float32 gives a float32 (NEP 50). sacreBLEU scores resampled corpora with such
/// numbers, which affects its confidence intervals from the seventh digit on.
class NumpyNumber {
 public:
  // Implicit, so that Python ints and floats can be mixed in.
  NumpyNumber(double value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  static NumpyNumber Float32(double value) { return {value, true}; }

  double value() const { return value_; }
  bool is_float32() const { return is_float32_; }

  friend NumpyNumber operator+(NumpyNumber a, NumpyNumber b) {
    return Combine(a, b, [](auto x, auto y) { return x + y; });
  }
  friend NumpyNumber operator*(NumpyNumber a, NumpyNumber b) {
    return Combine(a, b, [](auto x, auto y) { return x * y; });
  }
  friend NumpyNumber operator/(NumpyNumber a, NumpyNumber b) {
    return Combine(a, b, [](auto x, auto y) { return x / y; });
  }

 private:
  NumpyNumber(double value, bool is_float32)
      : value_(is_float32 ? static_cast<float>(value) : value), is_float32_(is_float32) {}

  template <typename Operation>
  static NumpyNumber Combine(NumpyNumber a, NumpyNumber b, const Operation& operation) {
    if (!a.is_float32_ && !b.is_float32_) return operation(a.value_, b.value_);
    return Float32(operation(static_cast<float>(a.value_), static_cast<float>(b.value_)));
  }

  double value_;
  bool is_float32_ = false;
};

}  // namespace wavemt
