#include "report/run_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "workflow/metrics_history.h"
#include "workflow/sample_history.h"

namespace wavemt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kMetrics =
    R"({"step":10,"epoch":1,"loss":6.5,"lr":0.001,"gradient_norm":2.5,"tokens_per_second":1000}
{"step":20,"epoch":1,"loss":5.5,"lr":0.002,"gradient_norm":1.5,"tokens_per_second":3000}
{"step":20,"epoch":1,"valid/loss":5.25,"valid/bleu":12.5,"valid/bleu_signature":"nrefs:1|tok:13a"}
{"step":30,"epoch":2,"loss":null,"lr":0.003,"gradient_norm":1.25,"tokens_per_second":9000}
)";

constexpr std::string_view kSamples =
    R"({"step":20,"set":"valid","source":"A <i>cat</i>.","reference":"猫","translation":"狗&"}
{"step":30,"set":"valid","source":"A <i>cat</i>.","reference":"猫","translation":"猫。"}
)";

ReportedRun MakeRun(const std::string& name, const std::string& learning_rate) {
  ReportedRun run{.name = name};
  RunRecord& record = run.record;
  record.path = "/runs/" + name;
  record.metrics = ParseMetrics(kMetrics);
  record.samples = ParseSamples(kSamples);
  record.config = {{.key = "seed", .value = "1"},
                   {.key = "training.learning_rate", .value = learning_rate, .is_default = false}};
  record.config_text = "{\"seed\": 1}";
  record.source_language = "en";
  record.target_language = "z\"h";
  record.max_steps = 40;
  record.best_metric = "bleu";
  record.best_step = 20;
  record.seconds = 125;
  record.weights = 1234567;
  return run;
}

RunReport Report() { return {.runs = {MakeRun("first", "0.5")}, .made = "wavemt <0>"}; }

size_t CountIn(const std::string& page, std::string_view text) {
  size_t count = 0;
  for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++count;
  return count;
}

TEST(RunPageTest, ShowsWhatIsKnownOfARun) {
  const std::string page = RunPage(Report());
  for (const char* text :
       {"<td>20, by BLEU</td>", "<td>12.5  nrefs:1|tok:13a</td>", "<td>5.25</td>",
        "<td>30 of 40, epoch 2</td>", "<td>2m 05s</td>", "<td>3,000</td>", "<td>1,234,567</td>",
        "<code>training.learning_rate</code></th><td><code>0.5</code>", "<figcaption>BLEU<",
        "data-values=\"10 6.5 20 5.5\"", "data-values=\"20 12.5\""}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(page, Not(HasSubstr("<code>seed</code>")));  // It is the default.
}

TEST(RunPageTest, RunsAreComparedByWhatDiffers) {
  RunReport report = Report();
  report.runs.push_back(MakeRun("second", "0.25"));
  report.runs.push_back(MakeRun("third", "0.25"));
  const std::string page = RunPage(report);
  EXPECT_THAT(page, HasSubstr("<title>first and 2 other runs</title>"));
  EXPECT_THAT(page, HasSubstr("<td><code>0.5</code></td><td><code>0.25</code></td>"));
  EXPECT_THAT(page, Not(HasSubstr("<code>seed</code>")));
  EXPECT_EQ(CountIn(page, "data-name=\"second: training\""), 1U);
  EXPECT_EQ(CountIn(page, "<summary>"), 3U);
  // The sentence is shown once, with what each run made of it.
  EXPECT_EQ(CountIn(page, ">A &lt;i&gt;cat&lt;/i&gt;.<"), 1U);
  EXPECT_EQ(CountIn(page, ">猫。<"), 3U);
  EXPECT_THAT(RunPage({.runs = {MakeRun("a", "1"), MakeRun("b", "1")}}),
              HasSubstr("All configs are the same."));
}

TEST(RunPageTest, TextIsText) {
  RunReport report = Report();
  ReportedRun& run = report.runs[0];
  run.name = "<script>alert(1)</script>";
  run.record.config[1].value = "\"</code><b>\"";
  run.record.config_text = "</pre><b>";
  run.record.metrics.series[1].signature = "<b>";
  run.evaluation = RunEvaluation{
      .checkpoint = "<b>",
      .set = "<b>",
      .signature = "<b>",
      .by_length = {{.words = "<b>", .sentences = 1}},
      .attention = {
          {.title = "<b>", .source = {"<b>", "</s>"}, .target = {"<b>"}, .weights = {0.25, 0.75}}}};
  run.positions = PositionStudy{.origin = "<b>", .encoding = "<b>", .effect = "<b>"};
  report.live_stamp = "\"><b>";
  const std::string page = RunPage(report);
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<b>")), Not(HasSubstr("<script>alert")),
                          Not(HasSubstr("<i>")), HasSubstr("lang=\"z&quot;h\""),
                          HasSubstr("狗&amp;<"), HasSubstr("wavemt &lt;0&gt;")));
}

TEST(RunPageTest, NothingIsLoadedFromElsewhere) {
  for (const char* stamp : {"", "stamp"}) {
    RunReport report = Report();
    report.live_stamp = stamp;
    EXPECT_THAT(RunPage(report),
                AllOf(Not(HasSubstr("http:")), Not(HasSubstr("https:")), Not(HasSubstr("url(")),
                      Not(HasSubstr("src=")), Not(HasSubstr("@import"))));
  }
}

TEST(RunPageTest, OnlyALivePageAsksItsServer) {
  RunReport report = Report();
  EXPECT_THAT(RunPage(report), AllOf(Not(HasSubstr("fetch(")), Not(HasSubstr("connect-src"))));
  report.live_stamp = "stamp";
  EXPECT_THAT(RunPage(report), AllOf(HasSubstr("fetch("), HasSubstr("connect-src 'self'")));
}

TEST(RunPageTest, IsRecognized) {
  EXPECT_TRUE(IsRunPage(RunPage(Report())));
  EXPECT_FALSE(IsRunPage("<!DOCTYPE html>\n<title>wavemt report</title>"));
  EXPECT_FALSE(IsRunPage(std::string(kRunPageMarkBytes, ' ') + RunPage(Report())));
}

TEST(RunPageTest, ARunThatHasLoggedNothingHasAPage) {
  RunReport report{.runs = {{.name = "new"}}};
  report.live_stamp = "stamp";
  EXPECT_THAT(RunPage(report), HasSubstr("Nothing has been logged yet."));
}

}  // namespace
}  // namespace wavemt
