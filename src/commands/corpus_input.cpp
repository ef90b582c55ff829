#include "commands/corpus_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

#include "config/config_reader.h"
#include "data/cleaning/language_scripts.h"
#include "data/file_language.h"
#include "support/decompressor.h"
#include "support/error.h"

namespace wavemt {
namespace {

// Of train.tsv, train.TSV and train.tsv.gz.
bool IsTsvName(const std::filesystem::path& file) {
  std::filesystem::path name = file.filename();
  if (FormatOfExtension(name.extension().string()) != nullptr) name = name.stem();
  std::string extension = name.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".tsv";
}

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

// Empty if none are given.
std::vector<int64_t> TsvColumnsOf(const CorpusWords& words) {
  const std::string& text = words.tsv_columns;
  if (text.empty()) return {};
  std::vector<int64_t> columns;
  const char* const end = text.data() + text.size();
  for (const char* begin = text.data(); begin <= end;) {
    const char* const comma = std::find(begin, end, ',');
    int64_t column = 0;
    const auto [number_end, error] = std::from_chars(begin, comma, column);
    columns.push_back(error == std::errc() && number_end == comma ? column : 0);
    begin = comma + 1;
  }
  if (columns.size() != 2 || std::min(columns[0], columns[1]) < 1 || columns[0] == columns[1]) {
    throw UsageError(
        "--tsv-columns {}: must be two different columns, that of the source and that of the "
        "target, counted from 1, as in 2,3",
        text);
  }
  return columns;
}

// Of an option. Without this, a name such as "german" would silently switch a rule off.
void RequireLanguage(const std::string& code, const char* option) {
  if (code.empty() || LanguageScripts(code).known()) return;
  const size_t length = std::min(code.find_first_of("-_"), code.size());  // Without a region.
  if (length < 2 || length > 3) {
    throw UsageError("{} {}: is not a language code; a code is like de", option, code);
  }
  throw UsageError("{} {}: the script of this language is not known; add it, as in sr-Latn", option,
                   code);
}

void RequireTextFiles(const CorpusWords& words) {
  const std::vector<std::string>& names = words.files;
  if (names.empty()) {
    throw UsageError(
        "FILES are missing; options that take several files, such as --held-out and --output, come "
        "after FILES");
  }
  if (names.size() == 1 && !IsTsvName(names[0])) {
    throw UsageError(
        "{}: give a source file and a target file, or one file of both, whose name ends in .tsv; "
        "options that take several files come after FILES",
        names[0]);
  }
  if (names.size() == 1) return;
  for (const std::string& name : names) {
    if (IsTsvName(name)) {
      throw UsageError("{}: a tsv file holds both sides; give one at a time", name);
    }
    if (IsConfigName(name)) throw UsageError("{}: is a config; give it alone", name);
  }
}

CorpusInput MakeInput(const CorpusWords& words, std::string name, const ParallelFiles& files,
                      const DataConfig& data) {
  RequireLanguage(words.source_language, "--source-language");
  RequireLanguage(words.target_language, "--target-language");
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
    inputs.corpora.back().is_of_config = true;
  }
  ReadHeldOutOf(data.valid, "data.valid", &inputs.held_out);
  ReadHeldOutOf(data.test, "data.test", &inputs.held_out);
  for (HeldOutSentences& text : ReadHeldOut(words)) inputs.held_out.push_back(std::move(text));
  return inputs;
}

}  // namespace

bool IsConfigName(const std::filesystem::path& file) { return file.extension() == ".json"; }

CorpusInput CorpusOfFiles(const CorpusWords& words) {
  RequireTextFiles(words);
  const std::vector<int64_t> columns = TsvColumnsOf(words);
  const std::vector<std::string>& names = words.files;
  const bool any_tsv =
      names.size() == 1 || std::any_of(words.held_out.begin(), words.held_out.end(), IsTsvName);
  if (!words.tsv_columns.empty() && !any_tsv) {
    throw UsageError("--tsv-columns: is for a tsv file, and {} and {} are two files", names[0],
                     names[1]);
  }
  return MakeInput(words, fmt::format("{}", fmt::join(names, " ")), FilesOf(names, columns), {});
}

std::vector<HeldOutSentences> ReadHeldOut(const CorpusWords& words) {
  std::vector<HeldOutSentences> held_out;
  const std::vector<int64_t> columns = TsvColumnsOf(words);
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
    held_out.emplace_back(fmt::format("{}", fmt::join(own, " ")), FilesOf(own, columns));
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
