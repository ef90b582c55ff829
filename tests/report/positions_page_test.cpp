#include "report/positions_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wavemt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

PositionStudy Study() {
  const NumberGrid waves = {.title = "waves & <words>",
                            .row_label = "position \"p\"",
                            .column_label = "dimension",
                            .rows = 2,
                            .columns = 3,
                            .values = {0, 1, -1, 0.5, 0.25, -0.125}};
  NumberGrid cosines = waves;
  cosines.title = "cosines";
  const DistanceCurves curves = {.title = "scores",
                                 .value_label = "score <x>",
                                 .first_distance = -1,
                                 .curves = {{.name = "head <1>", .values = {-1, 0, -1}},
                                            {.name = "head 2", .values = {-2, 0, -2}}}};
  return {.origin = "runs/a&b",
          .encoding = "<script>alert('waves')</script>",
          .effect = "Adds <b>waves</b>.",
          .weights_of = "as trained",
          .weights = 12345,
          .bytes = 2048,
          .added = {waves},
          .similarity = {cosines},
          .by_distance = {curves}};
}

size_t Count(const std::string& page, std::string_view text) {
  size_t count = 0;
  for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++count;
  return count;
}

TEST(PositionsPageTest, ShowsEachGridAndCurve) {
  const std::string page = PositionsPage(Study());
  EXPECT_EQ(Count(page, "<figure"), 3U);
  EXPECT_EQ(Count(page, "data:image/png;base64,"), 4U);  // Of two grids and their legends.
  for (const char* text : {"cosines</figcaption>", ">dimension<", ">head 2<", "12,345", "2.0 kB",
                           "as trained", "largest magnitude is 1<"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(page, Not(HasSubstr("nothing to draw")));
}

TEST(PositionsPageTest, TextIsText) {
  const std::string page = PositionsPage(Study());
  for (const char* text :
       {"runs/a&amp;b", "&lt;script&gt;alert(&#39;waves&#39;)", "Adds &lt;b&gt;waves",
        "<figcaption>waves &amp; &lt;words&gt;<", "aria-label=\"waves &amp; &lt;words&gt;\"",
        "position &quot;p&quot;", "score &lt;x&gt;", "head &lt;1&gt;"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST(PositionsPageTest, NeedsNoScriptAndNoNetwork) {
  EXPECT_THAT(PositionsPage(Study()),
              AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http:")), Not(HasSubstr("https:")),
                    Not(HasSubstr("url(")), Not(HasSubstr("src="))));
}

TEST(PositionsPageTest, SaysSoWhereThereIsNothingToDraw) {
  PositionStudy study;
  study.encoding = "none";
  const std::string page = PositionsPage(study);
  EXPECT_THAT(page, HasSubstr("There is nothing to draw, because"));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
}

}  // namespace
}  // namespace wavemt
