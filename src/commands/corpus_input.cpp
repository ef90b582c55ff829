#include "commands/corpus_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "config/config_reader.h"
#include "data/file_language.h"
#include "support/error.h"

namespace wavemt {
namespace {

// Of train.tsv and of train.tsv.gz.
bool IsTsvName(const std::filesystem::path& file) { return LanguageOfFile(file) == "tsv"; }

ParallelFiles FilesOf(const std::vector<std::string>& names, const std::vector<int64_t>& columns) {
  ParallelFiles files;
  if (names.size() == 1) {
    files.tsv = {names[0]};
    if (!columns.empty()) files.tsv_columns = columns;
  } else {
    files.source = {names[0]};
    files.target = {names[1]};
  }
  return files;
}

void CheckColumns(const CorpusWords& words) {
  const std::vector<int64_t>& columns = words.tsv_columns;
  if (columns.empty()) return;
  if (columns.size() != 2 || std::min(columns[0], columns[1]) < 1 || columns[0] == columns[1]) {
    throw UsageError(
        "--tsv-columns {}: must be two different columns, that of the source and that of the "
        "target, counted from 1",
        fmt::format("{}", fmt::join(columns, ",")));
  }
}

CorpusInput MakeInput(const CorpusWords& words, std::string name, const ParallelFiles& files,
                      const DataConfig& data) {
  const auto given = [](const std::string& typed, const std::string& configured) {
    return typed.empty() ? configured : typed;
  };
  const LanguagesOfText languages =
      LanguagesOf(files, {.source = given(words.source_language, data.source_language),
                          .target = given(words.target_language, data.target_language)});
  return {.name = std::move(name),
          .files = files,
          .source_language = languages.source,
          .target_language = languages.target};
}

void ReadHeldOutOf(const CorpusList<HeldOutCorpus>& list, const std::string& key,
                   std::vector<HeldOutSentences>* held_out) {
  for (const Named<HeldOutCorpus>& text : list.All()) {
    held_out->emplace_back(text.Describe(key), text.corpus.files);
  }
}

CorpusInputs InputsOfConfig(const CorpusWords& words) {
  if (!words.tsv_columns.empty()) {
    throw UsageError("--tsv-columns: is for tsv files; the config says which columns to read");
  }
  const DataConfig data = LoadConfig(words.files.front()).data;
  CorpusInputs inputs;
  for (const Named<TrainingCorpus>& corpus : data.train.All()) {
    inputs.corpora.push_back(
        MakeInput(words, corpus.Describe("data.train"), corpus.corpus.files, data));
    inputs.corpora.back().filter = corpus.corpus.filter;
  }
  ReadHeldOutOf(data.valid, "data.valid", &inputs.held_out);
  ReadHeldOutOf(data.test, "data.test", &inputs.held_out);
  for (HeldOutSentences& text : ReadHeldOut(words)) inputs.held_out.push_back(std::move(text));
  return inputs;
}

}  // namespace

bool IsConfigName(const std::filesystem::path& file) { return file.extension() == ".json"; }

CorpusInput CorpusOfFiles(const CorpusWords& words) {
  CheckColumns(words);
  const std::vector<std::string>& names = words.files;
  if (names.size() == 1 && !IsTsvName(names[0])) {
    throw UsageError(
        "{}: give a source file and a target file, or one file of both, whose name ends in .tsv",
        names[0]);
  }
  const bool any_tsv =
      names.size() == 1 || std::any_of(words.held_out.begin(), words.held_out.end(), IsTsvName);
  if (!words.tsv_columns.empty() && !any_tsv) {
    throw UsageError("--tsv-columns: is for a tsv file, and {} and {} are two files", names[0],
                     names[1]);
  }
  return MakeInput(words, fmt::format("{}", fmt::join(names, " ")),
                   FilesOf(names, words.tsv_columns), {});
}

std::vector<HeldOutSentences> ReadHeldOut(const CorpusWords& words) {
  std::vector<HeldOutSentences> held_out;
  const std::vector<std::string>& names = words.held_out;
  for (size_t i = 0; i < names.size();) {
    std::vector<std::string> own = {names[i]};
    if (!IsTsvName(names[i])) {
      if (i + 1 == names.size() || IsTsvName(names[i + 1])) {
        throw UsageError(
            "--held-out {}: give its target file after it, or one file of both, whose name ends in "
            ".tsv",
            names[i]);
      }
      own.push_back(names[i + 1]);
    }
    i += own.size();
    held_out.emplace_back(fmt::format("{}", fmt::join(own, " ")), FilesOf(own, words.tsv_columns));
  }
  return held_out;
}

CorpusInputs ReadCorpusInputs(const CorpusWords& words) {
  if (words.files.size() == 1 && IsConfigName(words.files.front())) return InputsOfConfig(words);
  CorpusInputs inputs;
  inputs.corpora.push_back(CorpusOfFiles(words));
  inputs.held_out = ReadHeldOut(words);
  return inputs;
}

}  // namespace wavemt
