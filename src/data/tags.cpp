#include "data/tags.h"

#include <algorithm>

namespace wavemt {

std::vector<std::string> TagsOf(std::string_view prefix) {
  std::vector<std::string> tags;
  for (size_t begin = 0; (begin = prefix.find_first_not_of(' ', begin)) != std::string::npos;) {
    const size_t end = std::min(prefix.find(' ', begin), prefix.size());
    tags.emplace_back(prefix.substr(begin, end - begin));
    begin = end;
  }
  return tags;
}

std::vector<std::string> TagsOf(const Config& config) {
  std::vector<std::string> tags;
  const auto add = [&tags](const std::string& prefix) {
    for (std::string& tag : TagsOf(prefix)) {
      if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(std::move(tag));
    }
  };
  for (const auto& item : config.data.train.All()) add(item.corpus.source_prefix);
  for (const auto& item : config.data.valid.All()) add(item.corpus.source_prefix);
  for (const auto& item : config.data.test.All()) add(item.corpus.source_prefix);
  add(config.decoding.source_prefix);
  return tags;
}

std::string_view LeadingTags(std::string_view text, const std::vector<std::string>& tags) {
  // The end of the tag at the beginning of `rest`; 0: there is none.
  const auto end_of_tag = [&tags](std::string_view rest) {
    size_t longest = 0;
    for (const std::string& tag : tags) {
      if (rest.starts_with(tag)) longest = std::max(longest, tag.size());
    }
    return longest;
  };
  size_t end = 0;  // Of the tags so far.
  while (true) {
    const size_t begin = std::min(text.find_first_not_of(' ', end), text.size());
    const size_t size = end_of_tag(text.substr(begin));
    if (size == 0) break;
    const std::string_view rest = text.substr(begin + size);
    if (!rest.empty() && rest.front() != ' ' && end_of_tag(rest) == 0) break;
    end = begin + size;
  }
  return text.substr(0, end);
}

std::vector<int32_t> EncodePrefix(const Tokenizer& tokenizer, std::string_view prefix) {
  return tokenizer.Encode(prefix);
}

int64_t NumTags(const Tokenizer& tokenizer, std::string_view prefix) {
  return static_cast<int64_t>(EncodePrefix(tokenizer, prefix).size());
}

}  // namespace wavemt
