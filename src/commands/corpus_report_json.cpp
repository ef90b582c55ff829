#include "commands/corpus_report_json.h"

#include <string>
#include <utility>
#include <vector>

namespace wavemt {
namespace {

// The last bin has no end.
template <typename Number>
Json HistogramJson(const std::vector<HistogramBin<Number>>& bins) {
  Json json = Json::array();
  for (size_t i = 0; i < bins.size(); ++i) {
    json.push_back({{"from", bins[i].from},
                    {"below", i + 1 < bins.size() ? Json(bins[i + 1].from) : Json()},
                    {"pairs", bins[i].count}});
  }
  return json;
}

Json SideJson(const LengthStatistics& side) {
  return {{"words", side.words()},
          {"characters", side.characters()},
          {"shortest", side.shortest()},
          {"longest", side.longest()},
          {"mean", side.mean()},
          {"median", side.median()},
          {"lengths", HistogramJson(side.Histogram())}};
}

Json FilterJson(const PairFilter& filter) {
  return {{"max_words", filter.max_words},
          {"max_length_ratio", filter.max_length_ratio},
          {"min_script_share", filter.min_script_share},
          {"remove_copies", filter.remove_copies},
          {"remove_bad_encoding", filter.remove_bad_encoding},
          {"remove_different_numbers", filter.remove_different_numbers},
          {"remove_duplicates", filter.remove_duplicates}};
}

}  // namespace

Json ToJson(const CorpusReport& report, const CorpusInput& input, const PairFilter& filter) {
  Json problems = Json::object();
  Json examples = Json::object();
  for (const PairProblem problem : kPairProblems) {
    const std::string name(NameOf(problem));
    problems[name] = report.Count(problem);
    examples[name] = Json::array();
    for (const CorpusReport::Example& example : report.examples[static_cast<size_t>(problem)]) {
      Json shown = Json::object();
      if (!example.file.empty()) shown["file"] = example.file;
      shown["line"] = example.line;
      shown["source"] = example.text.source;
      shown["target"] = example.text.target;
      examples[name].push_back(std::move(shown));
    }
  }
  Json held_out = Json::array();
  for (const CorpusReport::Overlap& overlap : report.overlaps) {
    held_out.push_back({{"name", overlap.name},
                        {"pairs", overlap.held_out},
                        {"both", overlap.both},
                        {"source_only", overlap.source_only},
                        {"target_only", overlap.target_only}});
  }
  return {{"name", input.name},
          {"source_language", input.source_language},
          {"target_language", input.target_language},
          {"filter", FilterJson(filter)},
          {"pairs", report.pairs},
          {"removed", report.removed},
          {"problems", problems},
          {"other_targets", report.other_targets},
          {"other_sources", report.other_sources},
          {"source", SideJson(report.source)},
          {"target", SideJson(report.target)},
          {"length_ratios", HistogramJson(report.ratio.histogram())},
          {"held_out", held_out},
          {"examples", examples}};
}

}  // namespace wavemt
