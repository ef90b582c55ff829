#include "data/corpus.h"

#include <random>
#include <system_error>
#include <utility>

#include "data/tokenizer_trainer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/progress.h"
#include "support/whitespace.h"

namespace wavemt {

namespace {

const std::filesystem::path& Checked(const std::filesystem::path& path) {
  RequireCorpusFile(path);
  return path;
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

ParallelReader::ParallelReader(ParallelFiles files) : files_(std::move(files)) {}

bool ParallelReader::Next(SentencePair* pair) {
  const size_t num_files = files_.tsv.empty() ? files_.source.size() : files_.tsv.size();
  while (true) {
    if (source_ && NextOfOpenFiles(pair)) return true;
    if (next_file_ == num_files) return false;
    bytes_before_ = bytes_read();
    if (files_.tsv.empty()) {
      source_.emplace(Checked(files_.source[next_file_]));
      target_.emplace(Checked(files_.target[next_file_]));
    } else {
      source_.emplace(Checked(files_.tsv[next_file_]));
    }
    ++next_file_;
  }
}

int64_t ParallelReader::bytes_read() const {
  return bytes_before_ + (source_ ? source_->bytes_read() : 0) +
         (target_ ? target_->bytes_read() : 0);
}

bool ParallelReader::NextOfOpenFiles(SentencePair* pair) {
  if (!files_.tsv.empty()) {
    std::string line;
    if (!source_->Next(&line)) return false;
    const size_t tab = line.find('\t');
    if (tab == std::string::npos || line.find('\t', tab + 1) != std::string::npos) {
      throw UsageError("{}: line {}: must be the source, one tab and the target",
                       source_->path().string(), source_->line_number());
    }
    pair->source.assign(line, 0, tab);
    pair->target.assign(line, tab + 1);
    return true;
  }
  const bool has_source = source_->Next(&pair->source);
  const bool has_target = target_->Next(&pair->target);
  if (has_source != has_target) RefuseDifferentLengths(has_source);
  return has_source;
}

void ParallelReader::RefuseDifferentLengths(bool source_is_longer) {
  LineReader& longer = source_is_longer ? *source_ : *target_;
  const LineReader& shorter = source_is_longer ? *target_ : *source_;
  for (std::string line; longer.Next(&line);) {
  }
  throw UsageError(
      "{} has {} lines but {} has {}; line n of one must translate line n of the other",
      longer.path().string(), longer.line_number(), shorter.path().string(), shorter.line_number());
}

std::vector<SentencePair> ReadParallel(const ParallelFiles& files) {
  ParallelReader reader(files);
  std::vector<SentencePair> pairs;
  for (SentencePair pair; reader.Next(&pair);) pairs.push_back(std::move(pair));
  return pairs;
}

std::vector<std::string> SampleSentences(const ParallelFiles& files, const SentenceSample& sample) {
  ParallelReader reader(files);
  ProgressBar progress("reading text", 0);
  std::mt19937_64 generator(sample.seed);
  std::vector<std::string> sentences;
  const auto limit = static_cast<size_t>(sample.limit);
  size_t seen = 0;
  const auto consider = [&](std::string& sentence) {
    if (sentence.size() > kLongestTrainingSentence || IsBlank(sentence)) return;
    ++seen;
    if (sentences.size() < limit) {
      sentences.push_back(std::move(sentence));
    } else if (const size_t place = generator() % seen; place < limit) {
      sentences[place] = std::move(sentence);
    }
  };
  for (SentencePair pair; reader.Next(&pair);) {
    if (sample.source) consider(pair.source);
    if (sample.target) consider(pair.target);
    progress.Update(static_cast<int64_t>(seen));
  }
  return sentences;
}

}  // namespace wavemt
