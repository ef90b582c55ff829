#include "commands/translation_lines.h"

#include <fmt/format.h>

#include <utility>

#include "support/json.h"

namespace wavemt {
namespace {

Json ToJson(const TranslatedLine& line, size_t rank, const LineOrigin& origin,
            const TokenizerPair& tokenizers) {
  const Translation& translation = line.best[rank];
  const TokenSequence& sequence = translation.sequence;
  Json alignment = Json::array();
  for (size_t i = 0; i < sequence.attended.size(); ++i) {
    alignment.push_back({sequence.attended[i], i});
  }
  Json json = {{"file", origin.file},
               {"line", origin.line},
               {"source", origin.source},
               {"rank", rank + 1},
               {"text", translation.text},
               {"score", translation.score},
               {"log_probability", translation.log_probability},
               {"source_pieces", PiecesOf(*tokenizers.source, line.source)},
               {"pieces", PiecesOf(*tokenizers.target, sequence.tokens)},
               {"piece_log_probabilities", sequence.log_probs},
               {"end_log_probabilities", translation.end_log_probs},
               {"alignment", std::move(alignment)}};
  const auto warnings = WarningsOf(line, translation.was_cut);
  if (!warnings.empty()) json["warnings"] = warnings;
  return json;
}

}  // namespace

std::vector<std::string> PiecesOf(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.push_back(tokenizer.PieceOf(id));
  return pieces;
}

std::string FormatLines(const TranslatedLine& line, const LineOrigin& origin,
                        const TokenizerPair& tokenizers, const LineFormat& format) {
  std::string lines;
  for (size_t rank = 0; rank < line.best.size(); ++rank) {
    const Translation& translation = line.best[rank];
    if (format.json) {
      lines += JsonLine(ToJson(line, rank, origin, tokenizers)) + "\n";
    } else if (format.n_best) {
      lines += fmt::format("{} ||| {} ||| {:.6f}\n", origin.line - 1, translation.text,
                           translation.score);
    } else if (format.scores) {
      lines += fmt::format("{} ||| {:.6f}\n", translation.text, translation.score);
    } else {
      lines += translation.text + "\n";
    }
  }
  return lines;
}

std::string AlignmentLines(const TranslatedLine& line) {
  std::string lines;
  for (const Translation& translation : line.best) {
    const std::vector<int32_t>& attended = translation.sequence.attended;
    for (size_t i = 0; i < attended.size(); ++i) {
      lines += fmt::format("{}{}-{}", i == 0 ? "" : " ", attended[i], i);
    }
    lines += '\n';
  }
  return lines;
}

}  // namespace wavemt
