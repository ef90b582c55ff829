#include "training/tensorboard_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <sstream>

#include "training/protobuf.h"

namespace wavemt {
namespace {

// Field numbers of Summary, Summary.Value and Summary.Image.
constexpr int kValue = 1;
constexpr int kTag = 1;
constexpr int kSimpleValue = 2;
constexpr int kImage = 4;
constexpr int kTensor = 8;
constexpr int kMetadata = 9;
constexpr int kImageHeight = 1;
constexpr int kImageWidth = 2;
constexpr int kImageColorspace = 3;
constexpr int kImageBytes = 4;

// Field numbers and values of TensorProto, whose field numbers do not follow each other.
constexpr int kType = 1;
constexpr int kShape = 2;
constexpr int kContent = 4;
constexpr int kStrings = 8;
enum class ProtoTensorType : uint8_t { kFloat = 1, kDouble = 2, kString = 7 };

std::string SummaryValue(std::string_view tag, const std::string& what) {
  return protobuf::Bytes(kValue, protobuf::Bytes(kTag, tag) + what);
}

std::string TensorBegin(ProtoTensorType type, const std::vector<size_t>& shape) {
  constexpr int kDimension = 2;
  constexpr int kSize = 1;
  std::string dimensions;
  for (const size_t size : shape) {
    dimensions += protobuf::Bytes(kDimension, protobuf::Varint(kSize, size));
  }
  return protobuf::Varint(kType, static_cast<uint64_t>(type)) + protobuf::Bytes(kShape, dimensions);
}

// A tensor, and the plug-in of TensorBoard that shows it.
std::string PluginTensor(std::string_view plugin, std::string_view content,
                         const std::string& tensor) {
  constexpr int kPluginData = 1;
  constexpr int kPluginName = 1;
  constexpr int kPluginContent = 2;
  constexpr int kDataClass = 4;
  constexpr uint64_t kTensorClass = 2;
  std::string data = protobuf::Bytes(kPluginName, plugin);
  if (!content.empty()) data += protobuf::Bytes(kPluginContent, content);
  return protobuf::Bytes(kMetadata, protobuf::Bytes(kPluginData, data) +
                                        protobuf::Varint(kDataClass, kTensorClass)) +
         protobuf::Bytes(kTensor, tensor);
}

}  // namespace

std::string ScalarSummary(std::string_view tag, double value) {
  return SummaryValue(tag, protobuf::Float(kSimpleValue, static_cast<float>(value)));
}

std::string TextSummary(std::string_view tag, std::string_view text) {
  return SummaryValue(tag, PluginTensor("text", "",
                                        TensorBegin(ProtoTensorType::kString, {}) +
                                            protobuf::Bytes(kStrings, text)));
}

std::string TableSummary(std::string_view tag, const std::vector<std::vector<std::string>>& rows) {
  std::string tensor =
      TensorBegin(ProtoTensorType::kString, {rows.size(), rows.empty() ? 0 : rows.front().size()});
  for (const auto& row : rows) {
    for (const std::string& cell : row) tensor += protobuf::Bytes(kStrings, cell);
  }
  return SummaryValue(tag, PluginTensor("text", "", tensor));
}

std::string ImageSummary(const Picture& picture) {
  constexpr uint64_t kRgb = 3;
  return SummaryValue(
      picture.tag,
      protobuf::Bytes(kImage,
                      protobuf::Varint(kImageHeight, static_cast<uint64_t>(picture.height)) +
                          protobuf::Varint(kImageWidth, static_cast<uint64_t>(picture.width)) +
                          protobuf::Varint(kImageColorspace, kRgb) +
                          protobuf::Bytes(kImageBytes, picture.png)));
}

Histogram CountInBuckets(const float* numbers, int64_t count) {
  constexpr size_t kBuckets = 30;
  Histogram histogram;
  bool is_first = true;
  for (int64_t i = 0; i < count; ++i) {
    const double number = numbers[i];
    if (!std::isfinite(number)) continue;
    histogram.minimum = is_first ? number : std::min(histogram.minimum, number);
    histogram.maximum = is_first ? number : std::max(histogram.maximum, number);
    is_first = false;
  }
  if (is_first) return histogram;
  histogram.counts.assign(kBuckets, 0);
  const double range = histogram.maximum - histogram.minimum;
  for (int64_t i = 0; i < count; ++i) {
    const double number = numbers[i];
    if (!std::isfinite(number)) continue;
    const double place = range > 0 ? (number - histogram.minimum) / range * kBuckets : 0;
    ++histogram.counts[std::min(static_cast<size_t>(place), kBuckets - 1)];
  }
  return histogram;
}

std::string HistogramSummary(std::string_view tag, const Histogram& histogram) {
  // A row a bucket: its left edge, its right edge, its count.
  const size_t size = histogram.counts.size();
  const auto edge = [&](size_t i) {
    return i == size ? histogram.maximum
                     : std::lerp(histogram.minimum, histogram.maximum,
                                 static_cast<double>(i) / static_cast<double>(size));
  };
  std::vector<double> rows;
  for (size_t i = 0; i < size; ++i) {
    rows.insert(rows.end(), {edge(i), edge(i + 1), static_cast<double>(histogram.counts[i])});
  }
  std::string content(rows.size() * sizeof(double), '\0');
  if (!rows.empty()) std::memcpy(content.data(), rows.data(), content.size());
  return SummaryValue(tag, PluginTensor("histograms", "",
                                        TensorBegin(ProtoTensorType::kDouble, {size, 3}) +
                                            protobuf::Bytes(kContent, content)));
}

std::string PluginSummary(std::string_view tag, std::string_view plugin, std::string_view content) {
  return SummaryValue(tag,
                      PluginTensor(plugin, content, TensorBegin(ProtoTensorType::kFloat, {0})));
}

std::string AsMarkdown(std::string_view line) {
  constexpr std::string_view kSpecial = "\\`*_[]<&";
  constexpr std::string_view kSpaces = " \t";
  constexpr std::string_view kDigits = "0123456789";
  std::string text;
  bool is_at_start = true;  // Where a list, a heading and the like can begin.
  for (const char c : line) {
    const bool is_ascii = static_cast<uint8_t>(c) < 0x80;
    const bool is_space = kSpaces.find(c) != std::string_view::npos;
    const bool is_mark = is_ascii && std::ispunct(static_cast<uint8_t>(c)) != 0;
    if (kSpecial.find(c) != std::string_view::npos || (is_at_start && (is_space || is_mark))) {
      text += fmt::format("&#{};", static_cast<int>(c));
    } else {
      text += c;
    }
    is_at_start = is_at_start && (is_space || kDigits.find(c) != std::string_view::npos);
  }
  return text;
}

std::string AsMarkdownCode(std::string_view lines) {
  std::istringstream input{std::string(lines)};
  std::string text;
  for (std::string line; std::getline(input, line);) text += "    " + line + "\n";
  return text;
}

}  // namespace wavemt
