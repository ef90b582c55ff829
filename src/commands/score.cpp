#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "commands/text_output.h"
#include "commands/translation_lines.h"
#include "decoding/translation_losses.h"
#include "decoding/translator.h"
#include "support/error.h"
#include "support/json.h"
#include "support/line_reader.h"
#include "support/memory.h"
#include "support/progress.h"
#include "workflow/compute_device.h"
#include "workflow/trained_model.h"

namespace wavemt {
namespace {

struct ScoreOptions {
  std::string model;
  std::string adapter;
  std::string source;
  std::string target;
  std::string output = "-";
  std::vector<std::string> ensemble;
  bool word_scores = false;
  bool json = false;
  ConfigOverrides overrides;
  ComputeOptions compute;
};

// Two files whose lines belong together.
class PairedLines {
 public:
  PairedLines(const std::string& source, const std::string& target)
      : source_(LineReader::Open(source)), target_(LineReader::Open(target)) {
    if (source == "-" && target == "-") {
      throw UsageError("-: standard input can be --source or --target, not both");
    }
  }

  // Fills both with the next lines, at most `count`. Returns false at the end of both files.
  bool Next(size_t count, std::vector<std::string>* sources, std::vector<std::string>* targets) {
    sources->clear();
    targets->clear();
    std::string source;
    std::string target;
    while (sources->size() < count) {
      const bool has_source = source_.Next(&source);
      const bool has_target = target_.Next(&target);
      if (has_source != has_target) {
        throw UsageError(
            "{} has {} lines but {} has more; line n of one must translate line n of "
            "the other",
            (has_source ? target_ : source_).path().string(),
            WithThousands((has_source ? target_ : source_).line_number()),
            (has_source ? source_ : target_).path().string());
      }
      if (!has_source) break;
      sources->push_back(source);
      targets->push_back(target);
    }
    return !sources->empty();
  }

 private:
  LineReader source_;
  LineReader target_;
};

struct ScoredWord {
  std::string word;
  double log_probability = 0;  // The sum of its pieces'.
};

// The words of a target, as its pieces show them: a piece that begins with a space begins a word.
std::vector<ScoredWord> WordsOf(const TokenSequence& sequence, const Tokenizer& tokenizer) {
  constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581, SentencePiece's space.
  std::vector<ScoredWord> words;
  std::vector<int32_t> ids;  // Of the last word.
  for (size_t i = 0; i < sequence.tokens.size(); ++i) {
    if (words.empty() || tokenizer.PieceOf(sequence.tokens[i]).starts_with(kSpace)) {
      words.emplace_back();
      ids.clear();
    }
    ids.push_back(sequence.tokens[i]);
    words.back().word = tokenizer.Decode(ids);
    words.back().log_probability += sequence.log_probs[i];
  }
  return words;
}

Json ToJson(const TranslatedLine& line, const std::string& source, const std::string& target,
            int64_t line_number, const Tokenizer& tokenizer) {
  const Translation& scored = line.best.front();
  Json words = Json::array();
  for (const ScoredWord& word : WordsOf(scored.sequence, tokenizer)) {
    words.push_back({{"word", word.word}, {"log_probability", word.log_probability}});
  }
  return {{"line", line_number},
          {"source", source},
          {"target", target},
          {"score", scored.score},
          {"log_probability", scored.log_probability},
          {"words", std::move(words)},
          {"pieces", PiecesOf(tokenizer, scored.sequence.tokens)},
          {"piece_log_probabilities", scored.sequence.log_probs},
          {"end_log_probability", scored.end_log_probs.front()}};
}

// The score, and with --word-scores what each word adds to the log-probability, </s> last.
std::string ToText(const TranslatedLine& line, bool word_scores, const Tokenizer& tokenizer) {
  const Translation& scored = line.best.front();
  std::string text = fmt::format("{:.6f}", scored.score);
  if (word_scores) {
    text += " |||";
    for (const ScoredWord& word : WordsOf(scored.sequence, tokenizer)) {
      text += fmt::format(" {:.6f}", word.log_probability);
    }
    text += fmt::format(" {:.6f}", scored.end_log_probs.front());
  }
  return text + "\n";
}

int ScorePairs(const ScoreOptions& options) {
  constexpr size_t kPortion = 4096;
  PairedLines pairs(options.source, options.target);
  ReturnFreedBlocks();
  const torch::Device device = SelectDevice(options.compute);
  TrainedModel opened = OpenModel(options.model, options.overrides, device, options.adapter);
  TextOutput output(options.output);
  const Translator translator = opened.TakeTranslator(
      {.others = OpenEnsemble(opened, AsPaths(options.ensemble), options.overrides)});
  const Tokenizer& tokenizer = *opened.tokenizers.target;
  ProgressBar progress("scoring", 0);
  std::vector<std::string> sources;
  std::vector<std::string> targets;
  TranslationLosses losses;
  int64_t done = 0;
  while (pairs.Next(kPortion, &sources, &targets)) {
    const auto lines = translator.Score(
        {.lines = sources,
         .first_line_number = done + 1,
         .progress = [&](int64_t lines_done) { progress.Update(done + lines_done, "lines"); }},
        targets, opened.config.decoding);
    for (size_t i = 0; i < lines.size(); ++i) {
      losses.Add(++done, lines[i]);
      output.Write(options.json
                       ? JsonLine(ToJson(lines[i], sources[i], targets[i], done, tokenizer)) + "\n"
                       : ToText(lines[i], options.word_scores, tokenizer));
    }
    output.Flush();
  }
  output.Finish();
  losses.Warn(opened.config, opened.trained_on);
  return 0;
}

}  // namespace

void AddScoreCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command =
      app.add_subcommand("score", "Score existing translations: how likely the model finds them.");
  command->add_option("MODEL", options->model, "A run's folder or a checkpoint.")
      ->required()
      ->type_name("DIR");
  AddAdapterOption(command, &options->adapter);
  command->add_option("--source", options->source, "Text; -: standard input.")->required();
  command->add_option("--target", options->target, "Its translation, line by line.")->required();
  command->add_option("--output", options->output, "Where to write; -: standard output.")
      ->capture_default_str();
  command->add_flag("--word-scores", options->word_scores,
                    "Write each line as: score ||| the log-probability of each word, in nats, that "
                    "of the end last.");
  command->add_flag("--json", options->json,
                    "Write a JSON object for each line, with the scores of its words and pieces.");
  AddEnsembleOption(command, &options->ensemble);
  AddSourcePrefixOption(command);
  AddSetOption(command);
  AddComputeOptions(command, &options->compute);
  command->callback([command, options, exit_code] {
    options->overrides = TypedOverrides(*command);
    *exit_code = ScorePairs(*options);
  });
}

}  // namespace wavemt
