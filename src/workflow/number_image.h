#pragma once

#include <string>

#include "workflow/figures.h"

namespace wavemt {

/// A picture of a grid.
struct NumberImage {
  std::string png;         // A file with a pixel for each number.
  std::string data_uri;    // The same, to be put into a page.
  double range = 0;        // The largest magnitude of a finite number.
  bool all_finite = true;  // Otherwise some pixels are grey.
};

/// Draws -range in blue, 0 in white and range in red, and what is not finite in grey. People who
/// confuse red and green can tell these colours apart. REQUIRES: rows * columns values, at least
/// one.
NumberImage DrawNumbers(const NumberGrid& grid);

}  // namespace wavemt
