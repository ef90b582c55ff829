#include "data/corpus.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <random>
#include <system_error>
#include <utility>

#include "data/cleaning/fingerprint.h"
#include "data/cleaning/fingerprint_set.h"
#include "data/cleaning/pair_checker.h"
#include "data/file_language.h"
#include "data/tokenizer_trainer.h"
#include "data/whitespace_normalizer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"
#include "support/whitespace.h"

namespace wavemt {

namespace {

const std::filesystem::path& Checked(const std::filesystem::path& path) {
  RequireCorpusFile(path);
  return path;
}

// Throws a usage error: the files of the two readers have different numbers of lines.
[[noreturn]] void RefuseDifferentLengths(LineReader& longer, const LineReader& shorter,
                                         const char* advice) {
  for (std::string line; longer.Next(&line);) {
  }
  throw UsageError("{} has {} lines but {} has {}; {}", longer.path().string(),
                   longer.line_number(), shorter.path().string(), shorter.line_number(), advice);
}

}  // namespace

void RequireCorpusFile(const std::filesystem::path& path) {
  RequireReadableFile(path);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw UsageError(
        "{}: is a pipe or a device; a corpus is read several times, write it to a file",
        path.string());
  }
}

ParallelReader::ParallelReader(ParallelFiles files, InvalidUtf8 invalid,
                               std::vector<std::filesystem::path> weights)
    : files_(std::move(files)), invalid_(invalid), weights_(std::move(weights)) {}

bool ParallelReader::Next(SentencePair* pair) {
  const size_t num_files = files_.tsv.empty() ? files_.source.size() : files_.tsv.size();
  while (true) {
    if (source_ && NextOfOpenFiles(pair)) return true;
    if (next_file_ == num_files) return false;
    bytes_before_ = bytes_read();
    replaced_before_ = lines_replaced();
    if (files_.tsv.empty()) {
      source_.emplace(Checked(files_.source[next_file_]), invalid_);
      target_.emplace(Checked(files_.target[next_file_]), invalid_);
    } else {
      source_.emplace(Checked(files_.tsv[next_file_]), invalid_);
      tsv_columns_ = 0;
    }
    if (!weights_.empty()) weight_.emplace(Checked(weights_[next_file_]));
    ++next_file_;
  }
}

int64_t ParallelReader::lines_replaced() const {
  return replaced_before_ + (source_ ? source_->lines_replaced() : 0) +
         (target_ ? target_->lines_replaced() : 0);
}

int64_t ParallelReader::bytes_read() const {
  return bytes_before_ + (source_ ? source_->bytes_read() : 0) +
         (target_ ? target_->bytes_read() : 0) + (weight_ ? weight_->bytes_read() : 0);
}

bool ParallelReader::NextOfTsv(SentencePair* pair) {
  if (!source_->Next(&tsv_line_)) return false;
  *pair = {};
  if (IsBlank(tsv_line_)) return true;
  const int64_t source_column = files_.tsv_columns[0];
  const int64_t target_column = files_.tsv_columns[1];
  int64_t columns = 0;
  for (size_t begin = 0; begin != std::string::npos;) {
    const size_t tab = tsv_line_.find('\t', begin);
    ++columns;
    if (columns == source_column) pair->source.assign(tsv_line_, begin, tab - begin);
    if (columns == target_column) pair->target.assign(tsv_line_, begin, tab - begin);
    begin = tab == std::string::npos ? tab : tab + 1;
  }
  if (columns < std::max(source_column, target_column)) {
    throw UsageError(
        "{}: line {}: has {}, but source and target are columns {} and {} (tsv_columns), with a "
        "tab between columns",
        source_->path().string(), source_->line_number(),
        columns == 1 ? "one column" : fmt::format("{} columns", columns), source_column,
        target_column);
  }
  if (tsv_columns_ == 0) tsv_columns_ = columns;
  if (columns > tsv_columns_) {
    throw UsageError(
        "{}: line {}: has {} columns where the first line has {}; is a tab in the text?",
        source_->path().string(), source_->line_number(), columns, tsv_columns_);
  }
  left_columns_out_ = left_columns_out_ || columns > 2;
  return true;
}

bool ParallelReader::NextOfOpenFiles(SentencePair* pair) {
  const bool has_pair = files_.tsv.empty() ? NextOfSides(pair) : NextOfTsv(pair);
  if (weight_) ReadWeight(has_pair, pair);
  return has_pair;
}

bool ParallelReader::NextOfSides(SentencePair* pair) {
  const bool has_source = source_->Next(&pair->source);
  const bool has_target = target_->Next(&pair->target);
  if (has_source != has_target) {
    RefuseDifferentLengths(has_source ? *source_ : *target_, has_source ? *target_ : *source_,
                           "line n of one must translate line n of the other");
  }
  return has_source;
}

void ParallelReader::ReadWeight(bool has_pair, SentencePair* pair) {
  std::string line;
  const bool has_weight = weight_->Next(&line);
  if (has_weight != has_pair) {
    RefuseDifferentLengths(has_weight ? *weight_ : *source_, has_weight ? *source_ : *weight_,
                           "line n of one must have the weight of pair n of the other");
  }
  if (!has_pair) return;
  const std::string_view text = Strip(line);
  double weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  constexpr double kMost = std::numeric_limits<float>::max();
  if (!is_number || !(weight >= 0) || weight > kMost) {
    throw UsageError("{}: line {}: \"{}\" is not the weight of a pair: a number of at least 0",
                     weight_->path().string(), weight_->line_number(), text);
  }
  pair->weight = static_cast<float>(weight);
}

void SayWhichColumns(const ParallelReader& reader, const ParallelFiles& files,
                     const std::string& name) {
  if (!reader.left_columns_out()) return;
  spdlog::info("{}: of its tsv files only columns {} and {} are read (tsv_columns)", name,
               files.tsv_columns[0], files.tsv_columns[1]);
}

std::vector<SentencePair> ReadParallel(const ParallelFiles& files, const std::string& name) {
  ParallelReader reader(files);
  std::vector<SentencePair> pairs;
  for (SentencePair pair; reader.Next(&pair);) pairs.push_back(std::move(pair));
  if (!name.empty()) SayWhichColumns(reader, files, name);
  return pairs;
}

std::vector<std::string> SampleSentences(const std::vector<TrainingCorpus>& corpora,
                                         const SentenceSample& sample) {
  ProgressBar progress("reading text", 0);
  std::mt19937_64 generator(sample.seed);
  std::vector<std::string> sentences;
  const auto limit = static_cast<size_t>(sample.limit);
  size_t seen = 0;
  const auto consider = [&](std::string& sentence) {
    if (sample.normalize_whitespace) sentence = NormalizeWhitespace(sentence);
    if (sentence.size() > kLongestTrainingSentence || IsBlank(sentence)) return;
    ++seen;
    if (sentences.size() < limit) {
      sentences.push_back(std::move(sentence));
    } else if (const size_t index = generator() % seen; index < limit) {
      sentences[index] = std::move(sentence);
    }
  };
  for (const TrainingCorpus& corpus : corpora) {
    const LanguagesOfText languages = LanguagesOf(
        corpus.files, {.source = sample.source_language, .target = sample.target_language});
    const PairChecker checker(corpus.filter, languages.source, languages.target);
    const bool filters = corpus.filter != PairFilter();
    FingerprintSet earlier;
    const auto is_left_out = [&](const SentencePair& pair) {
      if (pair.weight == 0 || (filters && checker.WhyLeftOut(pair))) return true;
      return corpus.filter.remove_duplicates && !earlier.Insert(FingerprintsOf(pair).pair);
    };
    ParallelReader reader(corpus.files, InvalidUtf8::kRefuse, corpus.weights);
    for (SentencePair pair; reader.Next(&pair);) {
      if (is_left_out(pair)) continue;
      if (sample.source) consider(pair.source);
      if (sample.target) consider(pair.target);
      progress.Update(static_cast<int64_t>(seen));
    }
  }
  return sentences;
}

}  // namespace wavemt
