#include "data/shortlist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "support/checksum.h"
#include "support/error.h"

namespace wavemt {
namespace {

constexpr int kIterations = 4;

void SortWithoutRepeats(std::vector<int32_t>* tokens) {
  std::ranges::sort(*tokens);
  tokens->erase(std::unique(tokens->begin(), tokens->end()), tokens->end());
}

// Of the tokenizers: a list of ids means nothing with others.
std::string ChecksumOf(const TokenizerPair& tokenizers) {
  Crc32 checksum;
  for (const auto& side : {tokenizers.source, tokenizers.target}) {
    checksum.Add(side->bytes().data(), side->bytes().size());
    if (!side->vocabulary()) continue;
    for (int32_t id = 0; id < static_cast<int32_t>(side->vocab_size()); ++id) {
      const std::string piece = side->PieceOf(id);
      checksum.Add(piece.data(), piece.size());
    }
  }
  return checksum.Hex();
}

std::string FirstLine(const TokenizerPair& tokenizers) {
  return fmt::format("wavemt-shortlist 1 source {} target {} tokenizers {}",
                     tokenizers.source->vocab_size(), tokenizers.target->vocab_size(),
                     ChecksumOf(tokenizers));
}

// The pairs that are learned from, spread over the corpus.
template <typename Visit>
void ForEachPair(const TokenizedCorpus& corpus, const Visit& visit) {
  const int64_t count = std::min(corpus.size(), Shortlist::kMaxPairs);
  for (int64_t i = 0; i < count; ++i) {
    // Both fit: a corpus has fewer than 2^40 pairs.
    const int64_t pair = i * (corpus.size() / count) + i * (corpus.size() % count) / count;
    visit(corpus.source(pair), corpus.target(pair));
  }
}

// The probabilities t(target | source) of all tokens that occur together in a pair.
class TranslationTable {
 public:
  // The empty token, which explains target words that stand for nothing, is `num_sources`.
  TranslationTable(const TokenizedCorpus& corpus, int64_t num_sources) : empty_(num_sources) {
    std::vector<std::vector<int32_t>> together(static_cast<size_t>(num_sources) + 1);
    std::vector<size_t> tidied(together.size());  // The sizes after the last time.
    ForEachPair(corpus, [&](std::vector<int32_t> source, const std::vector<int32_t>& target) {
      source.push_back(static_cast<int32_t>(empty_));
      for (const int32_t s : source) {
        auto& tokens = together[static_cast<size_t>(s)];
        tokens.insert(tokens.end(), target.begin(), target.end());
        size_t& before = tidied[static_cast<size_t>(s)];
        if (tokens.size() < 2 * before + 1024) continue;
        SortWithoutRepeats(&tokens);
        before = tokens.size();
      }
    });
    begins_.push_back(0);
    for (auto& tokens : together) {
      SortWithoutRepeats(&tokens);
      targets_.insert(targets_.end(), tokens.begin(), tokens.end());
      begins_.push_back(targets_.size());
      tokens = {};
    }
    probabilities_.assign(targets_.size(), 1.0F);
  }

  // One iteration of expectation-maximization.
  void Improve(const TokenizedCorpus& corpus, const std::function<void()>& after_pair) {
    std::vector<double> counts(targets_.size());  // A float would lose what is added to large sums.
    std::vector<size_t> places;
    ForEachPair(corpus, [&](std::vector<int32_t> source, const std::vector<int32_t>& target) {
      source.push_back(static_cast<int32_t>(empty_));
      for (const int32_t t : target) {
        places.clear();
        float sum = 0;
        for (const int32_t s : source) {
          places.push_back(PlaceOf(s, t));
          sum += probabilities_[places.back()];
        }
        if (!(sum > 0)) continue;  // All have become too unlikely for a float.
        for (const size_t place : places) counts[place] += probabilities_[place] / sum;
      }
      after_pair();
    });
    for (size_t s = 0; s + 1 < begins_.size(); ++s) {
      const auto own = std::span(counts).subspan(begins_[s], begins_[s + 1] - begins_[s]);
      const double sum = std::accumulate(own.begin(), own.end(), 0.0);
      if (!(sum > 0)) continue;
      for (double& count : own) count /= sum;
    }
    std::ranges::copy(counts, probabilities_.begin());
  }

  // The likeliest targets of a source token, best first.
  std::vector<int32_t> Best(int32_t source, int64_t count) const {
    constexpr float kTooUnlikely = 1e-4F;
    const auto s = static_cast<size_t>(source);
    std::vector<size_t> places(begins_[s + 1] - begins_[s]);
    std::iota(places.begin(), places.end(), begins_[s]);
    std::ranges::stable_sort(places, std::greater(),
                             [&](size_t place) { return probabilities_[place]; });
    std::vector<int32_t> best;
    for (const size_t place : places) {
      if (static_cast<int64_t>(best.size()) == count || probabilities_[place] < kTooUnlikely) break;
      best.push_back(targets_[place]);
    }
    return best;
  }

 private:
  size_t PlaceOf(int32_t source, int32_t target) const {
    const auto begin =
        targets_.begin() + static_cast<int64_t>(begins_[static_cast<size_t>(source)]);
    const auto end =
        targets_.begin() + static_cast<int64_t>(begins_[static_cast<size_t>(source) + 1]);
    return static_cast<size_t>(std::lower_bound(begin, end, target) - targets_.begin());
  }

  int64_t empty_;
  // The targets of source token s are those from begins_[s] to begins_[s + 1], ascending.
  std::vector<size_t> begins_;
  std::vector<int32_t> targets_;
  std::vector<float> probabilities_;
};

std::vector<int32_t> MostFrequent(const TokenizedCorpus& corpus, int64_t vocabulary,
                                  int64_t count) {
  std::vector<int64_t> counts(static_cast<size_t>(vocabulary));
  ForEachPair(corpus, [&](const std::vector<int32_t>&, const std::vector<int32_t>& target) {
    for (const int32_t t : target) ++counts[static_cast<size_t>(t)];
  });
  std::vector<int32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(),
                           [&](int32_t t) { return counts[static_cast<size_t>(t)]; });
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  std::erase_if(order, [&](int32_t t) { return counts[static_cast<size_t>(t)] == 0; });
  return order;
}

void AddAndSort(int32_t token, std::vector<int32_t>* tokens) {
  tokens->push_back(token);
  SortWithoutRepeats(tokens);
}

// Ids below `vocabulary`, separated by single spaces.
std::vector<int32_t> ParseIds(std::string_view line, int64_t vocabulary, std::string_view origin,
                              int64_t line_number) {
  std::vector<int32_t> ids;
  const char* at = line.data();
  const char* const end = at + line.size();
  while (at < end) {
    int32_t id = -1;
    const auto [rest, error] = std::from_chars(at, end, id);
    const bool ends_well = rest == end || (*rest == ' ' && rest + 1 < end);
    if (error != std::errc() || !ends_well || id < 0 || id >= vocabulary) {
      throw UsageError(
          "{}:{}: is not a list of ids below {}; make the file again with `wavemt "
          "shortlist`",
          origin, line_number, vocabulary);
    }
    ids.push_back(id);
    at = rest == end ? end : rest + 1;
  }
  return ids;
}

}  // namespace

int64_t Shortlist::PairsToRead(const TokenizedCorpus& corpus) {
  return kIterations * std::min(corpus.size(), kMaxPairs);
}

Shortlist Shortlist::Learn(const TokenizedCorpus& corpus, const TokenizerPair& tokenizers,
                           const Options& options, const std::function<void(int64_t)>& progress) {
  const Tokenizer& source = *tokenizers.source;
  const Tokenizer& target = *tokenizers.target;
  TranslationTable table(corpus, source.vocab_size());
  int64_t done = 0;
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    table.Improve(corpus, [&] {
      ++done;
      if (progress) progress(done);
    });
  }
  Shortlist shortlist;
  shortlist.frequent_ = MostFrequent(corpus, target.vocab_size(), options.frequent);
  AddAndSort(target.special().eos, &shortlist.frequent_);
  for (int32_t token = 0; token < static_cast<int32_t>(source.vocab_size()); ++token) {
    std::vector<int32_t> best = table.Best(token, options.per_token);
    std::ranges::sort(best);
    if (const auto itself = target.FindPiece(source.PieceOf(token))) AddAndSort(*itself, &best);
    shortlist.of_token_.push_back(std::move(best));
  }
  return shortlist;
}

std::string Shortlist::Text(const TokenizerPair& tokenizers) const {
  std::string text = FirstLine(tokenizers);
  fmt::format_to(std::back_inserter(text), "\n{}\n", fmt::join(frequent_, " "));
  for (const auto& tokens : of_token_) {
    fmt::format_to(std::back_inserter(text), "{}\n", fmt::join(tokens, " "));
  }
  return text;
}

Shortlist Shortlist::Parse(std::string_view text, const TokenizerPair& tokenizers,
                           std::string_view origin) {
  if (!text.starts_with("wavemt-shortlist ")) {
    throw UsageError("{}: is not a shortlist; `wavemt shortlist` makes one", origin);
  }
  if (text.substr(0, text.find('\n')) != FirstLine(tokenizers)) {
    throw UsageError(
        "{}: was learned for other tokenizers than the model's; `wavemt shortlist MODEL` makes one "
        "for the model",
        origin);
  }
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const int64_t num_sources = tokenizers.source->vocab_size();
  if (static_cast<int64_t>(lines.size()) != num_sources + 2) {
    throw UsageError("{}: has {} lines instead of {}; make it again with `wavemt shortlist`",
                     origin, lines.size(), num_sources + 2);
  }
  Shortlist shortlist;
  const int64_t num_targets = tokenizers.target->vocab_size();
  shortlist.frequent_ = ParseIds(lines[1], num_targets, origin, 2);
  AddAndSort(tokenizers.target->special().eos, &shortlist.frequent_);
  for (size_t i = 2; i < lines.size(); ++i) {
    shortlist.of_token_.push_back(
        ParseIds(lines[i], num_targets, origin, static_cast<int64_t>(i) + 1));
  }
  return shortlist;
}

std::vector<int32_t> Shortlist::TokensFor(std::span<const std::vector<int32_t>> sources) const {
  std::vector<int32_t> source_tokens;
  for (const auto& source : sources) {
    source_tokens.insert(source_tokens.end(), source.begin(), source.end());
  }
  SortWithoutRepeats(&source_tokens);
  std::vector<int32_t> tokens = frequent_;
  for (const int32_t token : source_tokens) {
    const auto& own = of_token_[static_cast<size_t>(token)];
    tokens.insert(tokens.end(), own.begin(), own.end());
  }
  SortWithoutRepeats(&tokens);
  return tokens;
}

int64_t Shortlist::num_frequent() const { return static_cast<int64_t>(frequent_.size()); }

double Shortlist::MeanPerToken() const {
  size_t sum = 0;
  for (const auto& tokens : of_token_) sum += tokens.size();
  return of_token_.empty() ? 0.0 : static_cast<double>(sum) / static_cast<double>(of_token_.size());
}

}  // namespace wavemt
