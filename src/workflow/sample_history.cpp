#include "workflow/sample_history.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "support/json.h"
#include "workflow/json_lines.h"

namespace wavemt {
namespace {

constexpr size_t kMostSentences = 24;

// Of a step that occurs twice, the later line counts.
void PutInOrder(std::vector<SampleSentence::Version>* versions) {
  std::map<int64_t, std::string> by_step;
  for (SampleSentence::Version& version : *versions) {
    by_step[version.step] = std::move(version.translation);
  }
  versions->clear();
  for (auto& [step, translation] : by_step) {
    versions->push_back({.step = step, .translation = std::move(translation)});
  }
}

}  // namespace

SampleHistory ParseSamples(std::string_view text) {
  SampleHistory history;
  std::map<std::pair<std::string, std::string>, size_t> index;
  std::set<std::pair<std::string, std::string>> left_out;
  history.damaged_lines = ForEachJsonLine(text, [&](const Json& line) {
    const int64_t step = JsonCount(line, "step", "");
    std::pair name(TextInLine(line, "set"), TextInLine(line, "source"));
    std::string reference = TextInLine(line, "reference");
    std::string translation = TextInLine(line, "translation");
    const auto [place, is_new] = index.emplace(name, history.sentences.size());
    if (is_new && history.sentences.size() == kMostSentences) {
      index.erase(place);
      left_out.insert(std::move(name));
      return;
    }
    if (is_new) history.sentences.push_back({.set = name.first, .source = name.second});
    SampleSentence& sentence = history.sentences[place->second];
    sentence.reference = std::move(reference);
    sentence.versions.push_back({.step = step, .translation = std::move(translation)});
  });
  history.sentences_left_out = static_cast<int64_t>(left_out.size());
  for (SampleSentence& sentence : history.sentences) PutInOrder(&sentence.versions);
  return history;
}

}  // namespace wavemt
