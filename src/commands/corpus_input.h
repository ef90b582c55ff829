#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/cleaning/held_out_sentences.h"

namespace wavemt {

/// A corpus that `wavemt corpus` was given.
struct CorpusInput {
  std::string name;  // For reports.
  ParallelFiles files;
  std::string source_language;  // Empty: unknown.
  std::string target_language;
  PairFilter filter = {};  // The config's.
  bool is_of_config = false;
  /// Whether training reads this corpus without a filter.
  bool lacks_filter() const { return is_of_config && filter == PairFilter(); }
};

/// What the command line says about the text.
struct CorpusWords {
  std::vector<std::string> files;     // SOURCE TARGET, CORPUS.tsv or CONFIG.json.
  std::vector<std::string> held_out;  // SOURCE TARGET or CORPUS.tsv, one after another.
  std::string tsv_columns;            // "2,3". Empty: not given.
  std::string source_language;        // Empty: not given.
  std::string target_language;
};

/// Corpora, and the texts that they should not share sentences with.
struct CorpusInputs {
  std::vector<CorpusInput> corpora;
  std::vector<HeldOutSentences> held_out;
};

/// The corpora of the files or, of a config, all of data.train. The held-out texts are those of
/// --held-out and, of a config, data.valid and data.test; they are read here. Throws usage errors.
CorpusInputs ReadCorpusInputs(const CorpusWords& words);

/// The same for files alone.
CorpusInput CorpusOfFiles(const CorpusWords& words);
/// Reads the texts of --held-out.
std::vector<HeldOutSentences> ReadHeldOut(const CorpusWords& words);

/// Whether the file's name ends in .json.
bool IsConfigName(const std::filesystem::path& file);

}  // namespace wavemt
