#include "decoding/segment_combiner.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "decoding/line_splitter.h"

namespace wavemt {
namespace {

// Appends what is known of a segment whose first source token is `first_source` of the line.
void Append(const Translation& segment, size_t first_source, Translation* line) {
  TokenSequence& all = line->sequence;
  const TokenSequence& own = segment.sequence;
  all.tokens.insert(all.tokens.end(), own.tokens.begin(), own.tokens.end());
  all.log_probs.insert(all.log_probs.end(), own.log_probs.begin(), own.log_probs.end());
  for (const int32_t source : own.attended) {
    all.attended.push_back(static_cast<int32_t>(first_source) + source);
  }
  line->end_log_probs.insert(line->end_log_probs.end(), segment.end_log_probs.begin(),
                             segment.end_log_probs.end());
  line->log_probability += segment.log_probability;
  line->was_cut = line->was_cut || segment.was_cut;
}

}  // namespace

void AddDistinct(Translation translation, std::vector<Translation>* translations) {
  const bool is_duplicate = std::ranges::any_of(
      *translations, [&](const Translation& t) { return t.text == translation.text; });
  if (!is_duplicate) translations->push_back(std::move(translation));
}

void SegmentCombiner::Add(std::vector<Translation> segment, size_t source_tokens) {
  const std::vector<Choice> start = {Choice{}};
  const std::vector<Choice>& before = choices_.empty() ? start : choices_.back();
  std::vector<Choice> choices;
  if (combine_ == Combine::kInOrder) {
    for (size_t i = 0; i < segment.size(); ++i) {
      const size_t previous = choices_.empty() ? 0 : i;
      choices.push_back(
          {.score = before[previous].score + segment[i].score, .previous = previous, .own = i});
    }
  } else {
    for (size_t previous = 0; previous < before.size(); ++previous) {
      for (size_t own = 0; own < segment.size(); ++own) {
        choices.push_back({.score = before[previous].score + segment[own].score,
                           .previous = previous,
                           .own = own});
      }
    }
    std::ranges::stable_sort(choices, std::greater(), &Choice::score);
    choices.resize(std::min(choices.size(), n_best_));
  }
  choices_.push_back(std::move(choices));
  segments_.push_back(std::move(segment));
  first_source_tokens_.push_back(source_tokens_);
  source_tokens_ += source_tokens;
}

Translation SegmentCombiner::Join(size_t choice) const {
  Translation line;
  line.score = choices_.back()[choice].score;
  std::vector<size_t> own(segments_.size());
  for (size_t segment = segments_.size(); segment-- > 0;) {
    own[segment] = choices_[segment][choice].own;
    choice = choices_[segment][choice].previous;
  }
  std::vector<std::string> texts;
  for (size_t segment = 0; segment < segments_.size(); ++segment) {
    const Translation& chosen = segments_[segment][own[segment]];
    texts.push_back(chosen.text);
    Append(chosen, first_source_tokens_[segment], &line);
  }
  line.text = JoinSegments(texts);
  return line;
}

std::vector<Translation> SegmentCombiner::Combined() const {
  if (segments_.empty()) return {Translation{}};
  std::vector<Translation> combined;
  for (size_t choice = 0; choice < choices_.back().size(); ++choice) {
    if (combine_ == Combine::kInOrder) {
      combined.push_back(Join(choice));
    } else {
      AddDistinct(Join(choice), &combined);
    }
  }
  return combined;
}

}  // namespace wavemt
