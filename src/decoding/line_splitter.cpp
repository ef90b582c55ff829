#include "decoding/line_splitter.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "data/tags.h"
#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581, SentencePiece's space.

// Whether the piece is a UTF-8 continuation byte of a character spelled in bytes: "<0x80>" to
// "<0xBF>".
bool ContinuesCharacter(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") &&
         std::string_view("89AB").find(piece[3]) != std::string_view::npos;
}

// The best end, at most `limit`, for a segment that begins at `begin`.
size_t EndOfSegment(const std::vector<std::string>& pieces, size_t begin, size_t limit) {
  for (size_t end = limit; end > begin; --end) {
    if (pieces[end].starts_with(kWordStart)) return end;
  }
  for (size_t end = limit; end > begin; --end) {
    if (!ContinuesCharacter(pieces[end])) return end;
  }
  return limit;
}

bool WritesNoSpaces(char32_t code_point) {
  const auto character = static_cast<UChar32>(code_point);
  UErrorCode ignored = U_ZERO_ERROR;
  // Wide like Chinese characters, but written with spaces between words.
  if (uscript_getScript(character, &ignored) == USCRIPT_HANGUL) return false;
  const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE;
}

// SentencePiece needs hundreds of bytes of memory per byte of text, and its time is quadratic in
// the length of a run of characters without a piece.
constexpr size_t kEncodedAtOnce = 1 << 16;

// How much of `text` to encode next: up to a space if possible, else up to a whole character.
size_t EndOfChunk(std::string_view text) {
  if (text.size() <= kEncodedAtOnce) return text.size();
  const size_t space = text.rfind(' ', kEncodedAtOnce);
  if (space != std::string_view::npos && space > 0) return space;
  size_t end = kEncodedAtOnce;
  while (end > 1 && U8_IS_TRAIL(text[end])) --end;
  return end;
}

}  // namespace

LineSplitter::LineSplitter(std::shared_ptr<const Tokenizer> tokenizer, Options options)
    : tokenizer_(std::move(tokenizer)),
      options_(std::move(options)),
      sentences_(options_.source_language) {}

bool LineSplitter::SplitsEachSentence() const {
  switch (options_.split_sentences) {
    case SentenceSplitting::kAlways:
      return true;
    case SentenceSplitting::kNever:
      return false;
    case SentenceSplitting::kAuto:
      return options_.trained_on && !options_.trained_on->HadSeveralSentences();
  }
  return false;
}

std::string_view LineSplitter::OwnTags(std::string_view line) const {
  if (tokenizer_->vocabulary()) return LanguageCodeOf(line);
  const std::string_view tags = LeadingTags(line, options_.tags);
  // A line of nothing but tags is text.
  if (IsBlank(line.substr(tags.size()))) return {};
  // So is what would leave no room for a sentence.
  const size_t tokens = options_.prefix.size() + tokenizer_->Encode(tags).size();
  return static_cast<int64_t>(tokens) < options_.longest ? tags : std::string_view();
}

SplitLine LineSplitter::Split(std::string_view line) {
  const std::string_view own_tags = OwnTags(line);
  std::vector<int32_t> tags;
  if (own_tags.empty() || !tokenizer_->vocabulary()) tags = options_.prefix;
  const std::vector<int32_t> own = tokenizer_->Encode(own_tags);
  tags.insert(tags.end(), own.begin(), own.end());
  const auto num_tags = static_cast<int64_t>(tags.size());
  longest_ = std::max<int64_t>(options_.longest - num_tags, 1);
  longest_trained_ = options_.trained_on
                         ? std::max<int64_t>(options_.trained_on->longest_source - num_tags, 1)
                         : 0;
  preferred_longest_ = longest_;
  if (options_.split_sentences != SentenceSplitting::kNever && options_.trained_on) {
    preferred_longest_ = std::min(preferred_longest_, longest_trained_);
  }
  SplitLine result = SplitText(line.substr(own_tags.size()));
  if (tags.empty() || result.segments.empty()) return result;
  result.has_unknown =
      result.has_unknown || std::ranges::find(tags, tokenizer_->special().unk) != tags.end();
  if (result.segments.size() == 1 && !result.was_cut && !tokenizer_->vocabulary()) {
    // As training reads a line that holds its tags.
    const std::vector<int32_t> whole = tokenizer_->Encode(line);
    if (static_cast<int64_t>(options_.prefix.size() + whole.size()) <= options_.longest) {
      tags = options_.prefix;
      result.segments.front() = whole;
    }
  }
  for (auto& segment : result.segments) segment.insert(segment.begin(), tags.begin(), tags.end());
  return result;
}

SplitLine LineSplitter::SplitText(std::string_view line) {
  SplitLine result;
  const std::string text = tokenizer_->Normalize(line);
  if (text.empty()) return result;
  bool fits = !tokenizer_->IsTooLong(text, preferred_longest_);
  if (fits && !SplitsEachSentence()) {
    fits = static_cast<int64_t>(tokenizer_->Encode(text).size()) <= preferred_longest_;
    if (fits) {
      AddSegments(text, &result);
      return result;
    }
  }
  const std::vector<std::string_view> sentences = sentences_.Split(text);
  for (const std::string_view segment : SplitsEachSentence() ? sentences : Pack(sentences)) {
    AddText(segment, &result);
  }
  return result;
}

// Joins consecutive sentences into segments of at most preferred_longest_ tokens. The sum of the
// sentences' tokens is close enough: only those at the seams can differ.
std::vector<std::string_view> LineSplitter::Pack(
    const std::vector<std::string_view>& sentences) const {
  std::vector<std::string_view> segments;
  int64_t tokens = 0;  // Of the last segment.
  for (const std::string_view sentence : sentences) {
    const int64_t added = tokenizer_->IsTooLong(sentence, preferred_longest_)
                              ? preferred_longest_ + 1
                              : static_cast<int64_t>(tokenizer_->Encode(sentence).size());
    if (segments.empty() || tokens + added > preferred_longest_) {
      segments.push_back(sentence);
      tokens = added;
    } else {
      const char* const begin = segments.back().data();
      segments.back() = {begin, static_cast<size_t>(sentence.data() + sentence.size() - begin)};
      tokens += added;
    }
  }
  return segments;
}

void LineSplitter::AddText(std::string_view text, SplitLine* line) const {
  if (!tokenizer_->IsTooLong(text, longest_)) return AddSegments(text, line);
  while (!text.empty()) {
    const size_t end = EndOfChunk(text);
    line->was_cut = line->was_cut || end < text.size();
    AddSegments(text.substr(0, end), line);
    text.remove_prefix(end);
  }
}

// Adds the tokens of `text`: one segment, or several if they are too many for the model.
void LineSplitter::AddSegments(std::string_view text, SplitLine* line) const {
  const std::vector<int32_t> ids = tokenizer_->Encode(text);
  if (ids.empty()) return;
  const auto tokens = static_cast<int64_t>(ids.size());
  const int32_t unknown = tokenizer_->special().unk;
  line->has_unknown = line->has_unknown || std::ranges::find(ids, unknown) != ids.end();
  if (options_.trained_on) {
    line->exceeds_training = line->exceeds_training || tokens > longest_trained_;
  }
  if (tokens <= longest_) {
    line->segments.push_back(ids);
    return;
  }
  line->was_cut = true;
  const std::vector<std::string> pieces = tokenizer_->EncodePieces(text);
  for (size_t begin = 0; begin < ids.size();) {
    const size_t limit = begin + static_cast<size_t>(longest_);
    const size_t end = limit >= ids.size() ? ids.size() : EndOfSegment(pieces, begin, limit);
    line->segments.emplace_back(ids.begin() + static_cast<ptrdiff_t>(begin),
                                ids.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
}

std::string JoinSegments(const std::vector<std::string>& segments) {
  std::string text;
  for (const std::string& segment : segments) {
    if (segment.empty()) continue;
    if (!text.empty()) {
      size_t begin = 0;
      size_t end = 0;
      const bool joins = WritesNoSpaces(LastCharacter(text, &begin)) ||
                         WritesNoSpaces(NextCharacter(segment, end));
      if (!joins) text += ' ';
    }
    text += segment;
  }
  return text;
}

}  // namespace wavemt
