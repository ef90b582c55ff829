#include "data/corpus_origin.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "data/cleaning/pair_checker.h"
#include "data/corpus.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"
#include "support/input_file.h"
#include "support/progress.h"

namespace wavemt {
namespace {

std::vector<std::filesystem::path> PathsOf(const TrainingCorpus& corpus) {
  std::vector<std::filesystem::path> paths = corpus.files.source;
  for (const auto* more : {&corpus.files.target, &corpus.files.tsv, &corpus.weights}) {
    paths.insert(paths.end(), more->begin(), more->end());
  }
  return paths;
}

struct stat StatOf(const std::filesystem::path& path) {
  struct stat status {};
  RequireCorpusFile(path);
  if (stat(path.c_str(), &status) != 0) {
    throw UsageError("{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  return status;
}

std::string DescribeTokenizer(const Tokenizer& tokenizer) {
  const auto& vocabulary = tokenizer.vocabulary();
  return fmt::format(
      "{} bytes, {}{}{}", tokenizer.bytes().size(), Crc32Of(tokenizer.bytes()).Hex(),
      tokenizer.text_options().normalize_whitespace ? ", white space normalized" : "",
      vocabulary ? fmt::format(", vocabulary {}", Crc32Of(vocabulary->bytes()).Hex()) : "");
}

}  // namespace

std::string SettingsOf(const TrainingCorpus& corpus, const TokenizerPair& tokenizers,
                       const TokenizeOptions& options) {
  std::string text = fmt::format(
      "source tokenizer: {}\ntarget tokenizer: {}\nmax_length: {}\nsource language: {}\n",
      DescribeTokenizer(*tokenizers.source), DescribeTokenizer(*tokenizers.target),
      options.max_length, options.source_language);
  const auto add = [&text](const char* role, const std::vector<std::filesystem::path>& paths) {
    for (const auto& path : paths) text += fmt::format("{}: {}\n", role, path.string());
  };
  const ParallelFiles& files = corpus.files;
  add("source", files.source);
  add("target", files.target);
  add("tsv", files.tsv);
  if (!files.tsv.empty()) {
    text += fmt::format("columns: {} and {}\n", files.tsv_columns[0], files.tsv_columns[1]);
  }
  add("weights", corpus.weights);
  if (!corpus.source_prefix.empty()) {
    text += fmt::format("source prefix: {}\n", corpus.source_prefix);
  }
  if (options.keeps_text) text += "with its text\n";
  const PairFilter& filter = corpus.filter;
  if (filter != PairFilter()) {
    text += fmt::format(
        "filter by rules {}: {} words, ratio {}, script {} of {} and {}, copies {}, encoding {}, "
        "numbers {}, "
        "duplicates {}\n",
        kPairRulesVersion, filter.max_words, filter.max_length_ratio, filter.min_script_share,
        options.source_language, options.target_language, filter.remove_copies,
        filter.remove_bad_encoding, filter.remove_different_numbers, filter.remove_duplicates);
  }
  return text;
}

std::string StampsOf(const TrainingCorpus& corpus) {
  std::string text;
  for (const auto& path : PathsOf(corpus)) {
    const struct stat status = StatOf(path);
    text += fmt::format("{} bytes, modified {}.{:09}, changed {}.{:09}\n", status.st_size,
                        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                        status.st_ctim.tv_nsec);
  }
  return text;
}

std::string ContentsOf(const TrainingCorpus& corpus, const std::string& name) {
  constexpr int64_t kMegabyte = 1'000'000;
  ProgressBar progress("reading " + name, FileBytes(corpus) / kMegabyte);
  std::string text;
  int64_t done = 0;
  for (const auto& path : PathsOf(corpus)) {
    Crc32 checksum;
    const int64_t before = done;
    ReadInPieces(path, [&](std::string_view piece) {
      checksum.Add(piece.data(), piece.size());
      done += static_cast<int64_t>(piece.size());
      progress.Update(done / kMegabyte, "MB");
    });
    text += fmt::format("{} bytes, {}\n", done - before, checksum.Hex());
  }
  return text;
}

int64_t FileBytes(const TrainingCorpus& corpus) {
  int64_t bytes = 0;
  for (const auto& path : PathsOf(corpus)) bytes += StatOf(path).st_size;
  return bytes;
}

int64_t TextBytes(const TrainingCorpus& corpus) {
  // gzip and similar programs compress text to between a third and a fifth.
  constexpr int64_t kCompressionRatio = 4;
  int64_t bytes = 0;
  for (const auto& path : PathsOf(corpus)) {
    bytes += StatOf(path).st_size * (IsCompressed(path) ? kCompressionRatio : 1);
  }
  return bytes;
}

}  // namespace wavemt
