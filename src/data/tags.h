#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "data/tokenizer.h"

namespace wavemt {

// Tags are words before a source sentence that tell a model something about it: the language to
// translate into (Johnson et al. 2017), a domain, or that a machine wrote it.

/// The tags of a prefix, which are separated by spaces: "<2de> <web>" has two.
std::vector<std::string> TagsOf(std::string_view prefix);

/// The tags of all prefixes in a config, each once.
std::vector<std::string> TagsOf(const Config& config);

/// The tags at the beginning of `text` with the spaces before them: "<2de> <web>" of
/// "<2de> <web> Hello". A tag ends at a space, at another tag or with the text.
std::string_view LeadingTags(std::string_view text, const std::vector<std::string>& tags);

/// The tokens of a prefix; none if it is blank. With a SentencePiece model that puts a space before
/// its text, as those do that are trained here, and tags that are symbols of it, they are the
/// tokens with which a text begins that begins with the prefix.
std::vector<int32_t> EncodePrefix(const Tokenizer& tokenizer, std::string_view prefix);
/// How many these are.
int64_t NumTags(const Tokenizer& tokenizer, std::string_view prefix);

}  // namespace wavemt
