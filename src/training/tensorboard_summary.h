#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "training/picture.h"

namespace wavemt {

// What TensorBoard shows under a tag: each function returns a value of a message Summary
// (tensorflow/core/framework/summary.proto), which is the text of its values.

std::string ScalarSummary(std::string_view tag, double value);

/// TensorBoard takes the text for Markdown; see AsMarkdown().
std::string TextSummary(std::string_view tag, std::string_view text);

/// A table of such texts. REQUIRES: rows of the same length.
std::string TableSummary(std::string_view tag, const std::vector<std::vector<std::string>>& rows);

std::string ImageSummary(const Picture& picture);

/// Numbers counted in buckets of the same width.
struct Histogram {
  double minimum = 0;
  double maximum = 0;  // >= minimum
  std::vector<int64_t> counts{};
};
/// Of the finite ones among `count` numbers. There are no buckets if no number is finite.
Histogram CountInBuckets(const float* numbers, int64_t count);

std::string HistogramSummary(std::string_view tag, const Histogram& histogram);

/// A value of which TensorBoard's plug-in `plugin` needs only `content`, a message of its own.
std::string PluginSummary(std::string_view tag, std::string_view plugin, std::string_view content);

/// One line of any text as Markdown that shows it as it is.
std::string AsMarkdown(std::string_view line);

/// Lines that Markdown shows as they are, as those of a program.
std::string AsMarkdownCode(std::string_view lines);

}  // namespace wavemt
