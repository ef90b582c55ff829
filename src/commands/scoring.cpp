#include "commands/scoring.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "evaluation/accuracy.h"
#include "evaluation/bleu_tokenizer.h"
#include "support/error.h"
#include "support/suggestion.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr const char* kBleuGroup = "BLEU";
constexpr const char* kChrfGroup = "chrF";
constexpr const char* kTerGroup = "TER";
constexpr const char* kOutputGroup = "Output";

BleuSmoothing ParseSmoothing(const std::string& name) {
  const std::map<std::string, BleuSmoothing> known = {{"exp", BleuSmoothing::kExp},
                                                      {"floor", BleuSmoothing::kFloor},
                                                      {"add-k", BleuSmoothing::kAddK},
                                                      {"none", BleuSmoothing::kNone}};
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  throw UsageError("--smooth-method {}: is unknown; use exp, floor, add-k or none", name);
}

std::unique_ptr<Metric> MakeBleu(const ScoringOptions& options,
                                 EvaluationTokenizer default_tokenizer) {
  BleuOptions bleu = options.bleu;
  bleu.tokenizer = options.tokenize.empty() ? default_tokenizer
                                            : ParseBleuTokenizer(options.tokenize, "--tokenize");
  bleu.smoothing = ParseSmoothing(options.smooth_method);
  const bool takes_value =
      bleu.smoothing == BleuSmoothing::kFloor || bleu.smoothing == BleuSmoothing::kAddK;
  if (bleu.smooth_value && !takes_value) {
    throw UsageError("--smooth-value: goes with --smooth-method floor or add-k, not with {}",
                     options.smooth_method);
  }
  // sacreBLEU's command line always scores sentences like this.
  bleu.effective_order |= options.sentence_level;
  return std::make_unique<Bleu>(bleu);
}

std::unique_ptr<Metric> MakeChrf(const ScoringOptions& options) {
  if (options.chrf.char_order + options.chrf.word_order == 0) {
    throw UsageError("--chrf-char-order and --chrf-word-order: one of them must be above 0");
  }
  return std::make_unique<Chrf>(options.chrf);
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> items;
  size_t begin = 0;
  while (true) {
    const size_t comma = text.find(',', begin);
    items.push_back(text.substr(begin, comma - begin));
    if (comma == std::string::npos) return items;
    begin = comma + 1;
  }
}

}  // namespace

void AddScoringOptions(CLI::App* command, ScoringOptions* options) {
  command
      ->add_option("-m,--metrics", options->metrics, "Comma-separated: bleu, chrf, ter, accuracy.")
      ->type_name("{bleu,chrf,ter,accuracy}")
      ->capture_default_str();
  command->add_flag("--sentence-level", options->sentence_level,
                    "A score a line, of one metric; BLEU by effective order.");
  command->add_flag("--confidence", options->confidence,
                    "A 95% interval by bootstrap; the seed is $SACREBLEU_SEED, by default 12345.");
  command->add_option("--confidence-n", options->confidence_n, "Its samples.")
      ->check(CLI::Range(int64_t{2}, int64_t{10'000'000}))
      ->capture_default_str();

  BleuOptions& bleu = options->bleu;
  command
      ->add_option("--tokenize", options->tokenize,
                   "13a, intl, zh, char or none. Default: by the target language, else 13a.")
      ->type_name("{13a,intl,zh,char,none}")
      ->group(kBleuGroup);
  command->add_flag("--lowercase", bleu.lowercase, "Ignore case.")->group(kBleuGroup);
  command
      ->add_option("--smooth-method", options->smooth_method,
                   "What orders without a match count: exp, floor, add-k or none.")
      ->type_name("{exp,floor,add-k,none}")
      ->capture_default_str()
      ->group(kBleuGroup);
  command
      ->add_option("--smooth-value", bleu.smooth_value,
                   "Of floor (default 0.1) and add-k (default 1).")
      ->check(CLI::Range(0.0, 1e9))
      ->group(kBleuGroup);
  command
      ->add_flag("--effective-order", bleu.effective_order,
                 "Leave out orders that the hypotheses are too short for.")
      ->group(kBleuGroup);

  ChrfOptions& chrf = options->chrf;
  command->add_option("--chrf-char-order", chrf.char_order, "Longest n-gram of characters.")
      ->check(CLI::Range(0, 100))
      ->capture_default_str()
      ->group(kChrfGroup);
  command->add_option("--chrf-word-order", chrf.word_order, "Longest n-gram of words; 2: chrF++.")
      ->check(CLI::Range(0, 100))
      ->capture_default_str()
      ->group(kChrfGroup);
  command->add_option("--chrf-beta", chrf.beta, "Weight of recall against precision.")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(kChrfGroup);
  command->add_flag("--chrf-whitespace", chrf.whitespace, "Spaces are characters.")
      ->group(kChrfGroup);
  command->add_flag("--chrf-lowercase", chrf.lowercase, "Ignore case.")->group(kChrfGroup);
  command
      ->add_flag("--chrf-eps-smoothing", chrf.eps_smoothing,
                 "Smooth as chrF++.py, NLTK and Moses do, not by effective order.")
      ->group(kChrfGroup);

  TercomOptions& ter = options->ter;
  command->add_flag("--ter-normalized", ter.normalized, "Decode entities, set punctuation apart.")
      ->group(kTerGroup);
  command->add_flag("--ter-no-punct", ter.no_punct, "Remove punctuation.")->group(kTerGroup);
  command
      ->add_flag("--ter-asian-support", ter.asian_support,
                 "Do these two for Chinese and Japanese characters as well.")
      ->group(kTerGroup);
  command->add_flag("--ter-case-sensitive", ter.case_sensitive, "Heed case.")->group(kTerGroup);

  OutputOptions& output = options->output;
  CLI::Option* json = command->add_flag("--json", output.json,
                                        "Print an array with one object a metric, at full "
                                        "precision.");
  json->group(kOutputGroup);
  command->add_option("--format", output.format, "text or json, each as sacreBLEU prints it.")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str()
      ->excludes(json)
      ->group(kOutputGroup);
  command->add_option("-w,--width", output.width, "Decimals of scores.")
      ->check(CLI::Range(0, 17))
      ->capture_default_str()
      ->group(kOutputGroup);
  command->add_flag("-b,--score-only", output.score_only, "Print the score alone.")
      ->group(kOutputGroup);
  command->add_flag("--short", output.short_signature, "Shorten the signature.")
      ->group(kOutputGroup);
}

MetricList MakeMetrics(const ScoringOptions& options, EvaluationTokenizer default_tokenizer) {
  const std::vector<std::string> known = {"bleu", "chrf", "ter", "accuracy"};
  const std::vector<std::string> named = SplitAtCommas(options.metrics);
  for (const std::string& name : named) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(
          "--metrics {}: is unknown{}; use bleu, chrf, ter, accuracy or several with commas", name,
          DidYouMean(name, known));
    }
  }
  const auto is_named = [&](const char* name) {
    return std::find(named.begin(), named.end(), name) != named.end();
  };
  MetricList metrics;
  if (is_named("bleu")) metrics.push_back(MakeBleu(options, default_tokenizer));
  if (is_named("chrf")) metrics.push_back(MakeChrf(options));
  if (is_named("ter")) metrics.push_back(std::make_unique<Ter>(options.ter));
  if (is_named("accuracy")) metrics.push_back(std::make_unique<Accuracy>());
  if (options.sentence_level && metrics.size() > 1) {
    throw UsageError("--sentence-level: prints one metric; name one with --metrics");
  }
  if (options.sentence_level && options.confidence) {
    throw UsageError("--sentence-level and --confidence: a single sentence has no interval");
  }
  return metrics;
}

namespace {

std::vector<Segment> SegmentsOf(const ScoredText& text) {
  if (text.hypotheses.size() != text.references.size()) {
    throw UsageError(
        "{} has {} lines but {} has {}; line n of one must belong to line n of the "
        "other",
        text.hypotheses_name, text.hypotheses.size(), text.references_name, text.references.size());
  }
  std::vector<Segment> segments;
  for (size_t i = 0; i < text.hypotheses.size(); ++i) {
    segments.push_back({.hypothesis = StripRight(text.hypotheses[i]),
                        .references = {StripRight(text.references[i])}});
  }
  return segments;
}

std::vector<MetricResult> ResultsOf(const SystemScorer& scorer, const ScoringOptions& options) {
  std::vector<MetricResult> results = scorer.Results();
  if (options.confidence) AddConfidence(scorer, options.confidence_n, &results);
  return results;
}

}  // namespace

void PrintScores(std::span<const ScoredText> texts, const MetricList& metrics,
                 const ScoringOptions& options) {
  ScorePrinter printer(options.output);
  std::vector<SetResults> sets;
  for (const ScoredText& text : texts) {
    SystemScorer scorer(metrics, /*keep_statistics=*/options.confidence);
    scorer.Add(SegmentsOf(text), options.sentence_level ? &printer : nullptr);
    if (!options.sentence_level) {
      sets.push_back({.set = text.set, .results = ResultsOf(scorer, options)});
    }
  }
  if (options.sentence_level) {
    printer.FinishSentences();
  } else {
    printer.PrintSets(sets);
  }
}

void FinishScores(const SystemScorer& scorer, const ScoringOptions& options,
                  ScorePrinter* printer) {
  if (options.sentence_level) {
    printer->FinishSentences();
    return;
  }
  const std::vector<SetResults> only = {{.set = "", .results = ResultsOf(scorer, options)}};
  printer->PrintSets(only);
}

}  // namespace wavemt
