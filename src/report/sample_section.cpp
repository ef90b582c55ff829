#include "report/sample_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "report/curve_style.h"
#include "report/html.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr size_t kMostVersions = 8;

// ` lang="en"`, or nothing where the language is unknown.
std::string LangAttribute(const std::string& language) {
  return language.empty() ? "" : fmt::format(" lang=\"{}\"", EscapeHtml(language));
}

// A row of a sentence's table; the text may run in either direction.
std::string SentenceRow(std::string_view name, std::string_view text, const std::string& language) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td dir=\"auto\"{}>{}</td></tr>\n", name,
                     LangAttribute(language), EscapeHtml(text));
}

// The first, the last, and others that are spread between them.
std::vector<const SampleSentence::Version*> SpreadVersions(const SampleSentence& sentence) {
  const size_t size = sentence.versions.size();
  const size_t count = std::min(size, kMostVersions);
  std::vector<const SampleSentence::Version*> chosen;
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back(&sentence.versions[count == 1 ? 0 : i * (size - 1) / (count - 1)]);
  }
  return chosen;
}

struct SentenceOfRun {
  size_t run = 0;
  const SampleSentence* sentence = nullptr;
};

// A sentence with all runs that translated it.
using SharedSentence = std::vector<SentenceOfRun>;

std::vector<SharedSentence> SharedSentences(const RunReport& report) {
  std::vector<SharedSentence> all;
  for (size_t run = 0; run < report.runs.size(); ++run) {
    for (const SampleSentence& sentence : report.runs[run].record.samples.sentences) {
      const auto found = std::ranges::find_if(all, [&](const SharedSentence& shared) {
        const SampleSentence& other = *shared.front().sentence;
        return other.set == sentence.set && other.source == sentence.source &&
               other.reference == sentence.reference;
      });
      if (found == all.end()) {
        all.push_back({{.run = run, .sentence = &sentence}});
      } else {
        found->push_back({.run = run, .sentence = &sentence});
      }
    }
  }
  return all;
}

std::string SentenceTable(const RunReport& report, const SharedSentence& shared) {
  const RunRecord& first = report.runs[shared.front().run].record;
  const SampleSentence& sentence = *shared.front().sentence;
  std::string html = "<div class=\"scroll sentence\"><table>\n";
  html += SentenceRow("source", sentence.source, first.source_language);
  html += SentenceRow("reference", sentence.reference, first.target_language);
  for (const SentenceOfRun& of_run : shared) {
    const ReportedRun& run = report.runs[of_run.run];
    for (const SampleSentence::Version* version : SpreadVersions(*of_run.sentence)) {
      std::string name = fmt::format("step {}", WithThousands(version->step));
      if (report.runs.size() > 1) {
        name = fmt::format("{} {}, {}", LineSample(of_run.run, of_run.run / kNumCurveStyles),
                           EscapeHtml(run.name), name);
      }
      html += SentenceRow(name, version->translation, run.record.target_language);
    }
  }
  return html + "</table></div>\n";
}

}  // namespace

std::string SampleSection(const RunReport& report) {
  const std::vector<SharedSentence> sentences = SharedSentences(report);
  if (sentences.empty()) return "";
  std::string html = "<h2>Sample translations</h2>\n";
  std::string set;
  for (const SharedSentence& shared : sentences) {
    const SampleSentence& sentence = *shared.front().sentence;
    if (sentence.set != set) html += fmt::format("<h3>{}</h3>\n", EscapeHtml(sentence.set));
    set = sentence.set;
    html += SentenceTable(report, shared);
  }
  int64_t left_out = 0;
  for (const ReportedRun& run : report.runs) left_out += run.record.samples.sentences_left_out;
  if (left_out > 0) {
    html += fmt::format("<p>{} more in samples.jsonl.</p>\n", Counted(left_out, "sentence"));
  }
  return html;
}

}  // namespace wavemt
