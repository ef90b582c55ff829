#include "decoding/segmenter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/tags.h"
#include "decoding/line_splitter.h"
#include "support/error.h"
#include "support/random.h"

namespace wavemt {
namespace {

// The longest translation, in tokens with </s>. No useful one is longer than three times the source
// and a little more, but an untrained model would always reach the limit.
int64_t LongestOutput(int64_t source_tokens, const DecodingConfig& options) {
  if (options.max_output_ratio == 0) return 3 * source_tokens + 30;
  const double most = std::floor(options.max_output_ratio * static_cast<double>(source_tokens));
  return std::max<int64_t>(static_cast<int64_t>(most), 1) + 1;
}

int64_t ShortestOutput(int64_t source_tokens, const DecodingConfig& options) {
  const double least = std::ceil(options.min_output_ratio * static_cast<double>(source_tokens));
  return std::max(options.min_output_length, static_cast<int64_t>(least));
}

// The draws of a sentence depend on its own tokens, not on where it stands.
uint64_t SeedOf(const std::vector<int32_t>& ids, const DecodingConfig& options) {
  uint64_t seed = DeriveSeed(static_cast<uint64_t>(options.seed), RandomStream::kDrawnTokens);
  for (const int32_t id : ids) seed = DeriveSeed(seed, {static_cast<uint64_t>(id)});
  return seed;
}

}  // namespace

int64_t Segmenter::LongestTranslation() const {
  return std::min(options_.decoding.max_output_length, options_.max_length - 1);
}

std::vector<int32_t> Segmenter::EncodeTags() const {
  const std::string& prefix = options_.decoding.source_prefix;
  std::vector<int32_t> tags = wavemt::EncodePrefix(*options_.tokenizers.source, prefix);
  if (static_cast<int64_t>(tags.size()) >= options_.max_length - 1) {
    throw UsageError(
        "decoding.source_prefix: its {} tokens leave no room for a sentence in the model's {} "
        "positions",
        tags.size(), options_.max_length);
  }
  return tags;
}

std::vector<int32_t> Segmenter::EncodeTargetPrefix(const std::string& text, size_t line) const {
  const Tokenizer& tokenizer = *options_.tokenizers.target;
  const int64_t most = LongestTranslation();
  std::vector<int32_t> prefix;
  const bool fits = !tokenizer.IsTooLong(text, most);
  if (fits) prefix = tokenizer.Encode(text);
  if (!fits || static_cast<int64_t>(prefix.size()) > most) {
    throw UsageError(
        "line {}: its target prefix has more than {} tokens, the most that a translation may have "
        "by "
        "decoding.max_output_length and the model's positions",
        NumberOf(line), most);
  }
  if (std::ranges::find(prefix, tokenizer.special().unk) != prefix.end()) {
    throw UsageError("line {}: the vocabulary lacks a character of its target prefix",
                     NumberOf(line));
  }
  return prefix;
}

void Segmenter::SetLimits(SourceSegment* segment) const {
  const DecodingConfig& decoding = options_.decoding;
  const auto source = static_cast<int64_t>(segment->ids.size());
  SearchedSentence& sentence = segment->sentence;
  const int64_t shortest = ShortestOutput(source, decoding);
  int64_t longest = LongestOutput(source, decoding);
  // A limit that nobody asked for gives way to one that somebody did.
  if (decoding.max_output_ratio == 0) longest = std::max(longest, shortest + 1);
  longest = std::max(longest, static_cast<int64_t>(sentence.target_prefix.size()) + 1);
  sentence.longest_output = std::min(LongestTranslation() + 1, longest);
  sentence.shortest_output = std::min(shortest, sentence.longest_output - 1);
  if (decoding.draws()) sentence.seed = SeedOf(segment->ids, decoding);
}

std::vector<SourceSegment> Segmenter::Split(std::span<const std::string> sources,
                                            std::span<const std::string> prefixes,
                                            std::vector<TranslatedLine>* lines) const {
  LineSplitter splitter(options_.tokenizers.source,
                        {.split_sentences = options_.decoding.split_sentences,
                         .trained_on = options_.trained_on.profile,
                         .source_language = options_.trained_on.source_language,
                         .prefix = EncodeTags(),
                         .tags = options_.trained_on.tags,
                         .longest = options_.max_length - 1});  // One position is for </s>.
  std::vector<SourceSegment> segments;
  for (size_t line = 0; line < sources.size(); ++line) {
    SplitLine split = splitter.Split(sources[line]);
    TranslatedLine& noted = (*lines)[line];
    noted.exceeds_training = split.exceeds_training;
    noted.was_cut = split.was_cut;
    noted.has_unknown = split.has_unknown;
    std::vector<int32_t> prefix;
    if (!prefixes.empty()) prefix = EncodeTargetPrefix(prefixes[line], line);
    if (split.segments.empty() && !prefix.empty()) {
      throw UsageError("line {}: is blank, but it has a target prefix", NumberOf(line));
    }
    for (auto& ids : split.segments) {
      noted.source.insert(noted.source.end(), ids.begin(), ids.end());
      segments.push_back({.line = line,
                          .ids = std::move(ids),
                          .sentence = {.target_prefix = std::exchange(prefix, {})}});
      SetLimits(&segments.back());
    }
  }
  return segments;
}

std::vector<SourceSegment> Segmenter::Pair(std::span<const std::string> sources,
                                           std::span<const std::string> targets) const {
  const int64_t most = options_.max_length - 1;
  const std::vector<int32_t> tags = EncodeTags();
  // Appends the tokens of a side to `ids`.
  const auto encode = [&](const Tokenizer& tokenizer, const std::string& text, size_t line,
                          const char* side, std::vector<int32_t> ids) {
    const bool fits = !tokenizer.IsTooLong(text, most);
    if (fits) {
      const std::vector<int32_t> tokens = tokenizer.Encode(text);
      ids.insert(ids.end(), tokens.begin(), tokens.end());
    }
    if (!fits || static_cast<int64_t>(ids.size()) > most) {
      throw UsageError(
          "line {}: its {} has more than {} tokens; the model has no positions for more",
          NumberOf(line), side, most);
    }
    return ids;
  };
  std::vector<SourceSegment> segments;
  for (size_t line = 0; line < sources.size(); ++line) {
    SourceSegment segment{
        .line = line,
        .ids = encode(*options_.tokenizers.source, sources[line], line, "source", tags)};
    SearchedSentence& sentence = segment.sentence;
    sentence.target_prefix = encode(*options_.tokenizers.target, targets[line], line, "target", {});
    sentence.longest_output = static_cast<int64_t>(sentence.target_prefix.size()) + 1;
    segments.push_back(std::move(segment));
  }
  return segments;
}

}  // namespace wavemt
