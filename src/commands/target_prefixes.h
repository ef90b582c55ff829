#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "support/line_reader.h"

namespace wavemt {

/// The lines of a file that go with those of an input: what each translation must begin with.
class TargetPrefixes {
 public:
  /// A usage error if the files have different numbers of lines, as far as that is known before the
  /// input is read: not if it is standard input or a pipe.
  TargetPrefixes(const std::string& path, const std::string& input);

  /// Those of the next `count` lines of the input. A usage error if there are fewer.
  std::vector<std::string> Next(size_t count);
  /// To be called at the end of the input. A usage error if there are more.
  void Finish();

 private:
  LineReader reader_;
};

}  // namespace wavemt
