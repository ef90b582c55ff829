#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/line_input.h"
#include "commands/text_output.h"
#include "config/config_fields.h"
#include "config/config_validation.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"
#include "data/whitespace_normalizer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/line_reader.h"
#include "support/logging.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

struct TrainTokenizerOptions {
  std::vector<std::string> inputs;
  std::string output;
  std::string type = "unigram";
  std::string normalization = "identity";
  TokenizerConfig config;
};

struct CodingOptions {
  std::string model;
  std::string input = "-";
  std::string output = "-";
  bool ids = false;
  bool normalize_whitespace = true;
};

// "{unigram,bpe}", as CLI11 shows a set of values.
template <typename Enum>
std::string NamesText() {
  std::vector<std::string_view> names;
  for (const auto& [known, value] : NamesOf(Enum{})) names.push_back(known);
  return fmt::format("{{{}}}", fmt::join(names, ","));
}

template <typename Enum>
Enum ParseName(const std::string& option, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& [known, value] : NamesOf(Enum{})) {
    if (known == name) return value;
    names.push_back(known);
  }
  throw UsageError("{} {}: is unknown; use {}", option, name,
                   fmt::format("{}", fmt::join(names, ", ")));
}

int TrainFromFiles(TrainTokenizerOptions options) {
  RequireOutputFile(options.output);
  options.config.type = ParseName<TokenizerType>("--type", options.type);
  RequireSymbols(options.config.user_defined_symbols, "--user-defined-symbols");
  options.config.normalization = ParseName<Normalization>("--normalization", options.normalization);
  std::vector<std::string> sentences;
  for (const std::string& input : options.inputs) {
    for (std::string& line : ReadLines(input)) {
      if (options.config.normalize_whitespace) line = NormalizeWhitespace(line);
      if (!IsBlank(line)) sentences.push_back(std::move(line));
    }
  }
  if (sentences.empty()) {
    throw UsageError("{}: holds no text to train on",
                     fmt::format("{}", fmt::join(options.inputs, ", ")));
  }
  const std::string model = TrainTokenizer(options.config, sentences);
  WriteFileAtomically(options.output, model);
  spdlog::info("{}: {} pieces", options.output,
               Tokenizer::FromBytes(model, options.output)->vocab_size());
  return 0;
}

// Applies `convert` to each line.
template <typename Convert>
int ConvertLines(const CodingOptions& options, const Convert& convert) {
  constexpr size_t kPortion = 4096;
  LineInput input(options.input);
  TextOutput output(options.output);
  int64_t line_number = 0;
  while (true) {
    const std::vector<std::string> lines = input.NextPortion(kPortion);
    if (lines.empty()) break;
    for (const std::string& line : lines) output.Write(convert(line, ++line_number) + "\n");
    output.Flush();
  }
  output.Finish();
  return 0;
}

int Encode(const CodingOptions& options) {
  const auto tokenizer =
      Tokenizer::FromFile(options.model, {.normalize_whitespace = options.normalize_whitespace});
  return ConvertLines(options, [&](const std::string& line, int64_t) {
    return options.ids ? fmt::format("{}", fmt::join(tokenizer->Encode(line), " "))
                       : fmt::format("{}", fmt::join(tokenizer->EncodePieces(line), " "));
  });
}

std::vector<std::string> SplitWords(const std::string& line) {
  std::vector<std::string> words;
  for (size_t begin = 0; (begin = line.find_first_not_of(' ', begin)) != std::string::npos;) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::vector<int32_t> ParseIds(const std::string& line, int64_t line_number, int64_t vocab_size) {
  std::vector<int32_t> ids;
  for (const std::string& word : SplitWords(line)) {
    int64_t id = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size() || id < 0 || id >= vocab_size) {
      throw UsageError("line {}: \"{}\" is not the id of a piece; ids go from 0 to {}", line_number,
                       word, vocab_size - 1);
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

int Decode(const CodingOptions& options) {
  const auto tokenizer = Tokenizer::FromFile(options.model);
  return ConvertLines(options, [&](const std::string& line, int64_t line_number) {
    std::string text = options.ids
                           ? tokenizer->Decode(ParseIds(line, line_number, tokenizer->vocab_size()))
                           : tokenizer->DecodePieces(SplitWords(line));
    // Byte pieces can spell a line break, but each line of input must give one line of output.
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  });
}

void AddWhitespaceOption(CLI::App* command, bool* normalize_whitespace) {
  command
      ->add_option("--normalize-whitespace", *normalize_whitespace,
                   "Read white space and invisible characters as tokenizer.normalize_whitespace of "
                   "a config does.")
      ->capture_default_str();
}

void AddTrain(CLI::App* parent, int* exit_code) {
  auto options = std::make_shared<TrainTokenizerOptions>();
  CLI::App* command = parent->add_subcommand("train", "Train a vocabulary on text files.");
  command
      ->add_option("--input", options->inputs,
                   "Text files, plain or compressed (gzip, zstd, xz, bzip2).")
      ->required();
  command->add_option("--output", options->output, "The model file to write.")->required();
  command->add_option("--type", options->type, "unigram or bpe.")
      ->type_name(NamesText<TokenizerType>())
      ->capture_default_str();
  command->add_option("--vocab-size", options->config.vocab_size, "Pieces.")
      ->capture_default_str()
      ->check(CLI::Range(8, 10'000'000));
  command
      ->add_option("--character-coverage", options->config.character_coverage,
                   "Share of the characters that get a piece of their own.")
      ->capture_default_str()
      ->check(CLI::Range(0.9, 1.0));
  command
      ->add_option("--byte-fallback", options->config.byte_fallback,
                   "Spell characters without a piece as bytes.")
      ->capture_default_str();
  command->add_option("--normalization", options->normalization, "identity, nfkc or nmt_nfkc.")
      ->type_name(NamesText<Normalization>())
      ->capture_default_str();
  command
      ->add_option("--user-defined-symbols", options->config.user_defined_symbols,
                   "Pieces that are never cut or joined with others, separated by commas: "
                   "\"<2de>,<2fr>\".")
      ->type_name("LIST")
      ->delimiter(',');
  AddWhitespaceOption(command, &options->config.normalize_whitespace);
  command->callback([options, exit_code] { *exit_code = TrainFromFiles(*options); });
}

CLI::App* AddCoding(CLI::App* parent, const char* name, const char* doc, const char* ids_doc,
                    const std::shared_ptr<CodingOptions>& options) {
  CLI::App* command = parent->add_subcommand(name, doc);
  command->add_option("--model", options->model, "A SentencePiece model.")->required();
  command->add_option("--input", options->input, "-: standard input.")->capture_default_str();
  command->add_option("--output", options->output, "-: standard output.")->capture_default_str();
  command->add_flag("--ids", options->ids, ids_doc);
  return command;
}

}  // namespace

void AddTokenizerCommand(CLI::App& app, int* exit_code) {
  CLI::App* parent = app.add_subcommand("tokenizer", "SentencePiece from the shell.");
  parent->require_subcommand(1);
  AddTrain(parent, exit_code);
  auto encoding = std::make_shared<CodingOptions>();
  CLI::App* encode = AddCoding(parent, "encode", "Text to pieces, line by line.",
                               "Write ids, not pieces.", encoding);
  AddWhitespaceOption(encode, &encoding->normalize_whitespace);
  encode->callback([encoding, exit_code] { *exit_code = Encode(*encoding); });
  auto decoding = std::make_shared<CodingOptions>();
  AddCoding(parent, "decode", "Pieces to text, line by line.", "Read ids, not pieces.", decoding)
      ->callback([decoding, exit_code] { *exit_code = Decode(*decoding); });
}

}  // namespace wavemt
