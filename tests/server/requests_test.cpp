#include "server/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/thrown_error.h"
#include "server/access.h"
#include "server/request_error.h"
#include "server/request_head.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TranslationRequest Parse(std::string_view body) { return ParseTranslationRequest(ParseBody(body)); }

std::string ErrorOf(std::string_view body) {
  return UsageErrorOf([&] { Parse(body); });
}

TranslationRequest ParseLibreTranslate(std::string_view body) {
  return ParseLibreTranslateRequest(ParseBody(body));
}

TextTranslation TextOf(std::string text) { return {.best = {{.text = std::move(text)}}}; }

TEST(Requests, ReadsOurOwn) {
  const TranslationRequest one = Parse(R"({"text": "A cat."})");
  EXPECT_THAT(one.texts, ElementsAre("A cat."));
  EXPECT_FALSE(one.is_list || one.stream || one.scores || one.source || one.target);
  EXPECT_TRUE(one.decoding.empty());

  const TranslationRequest all = Parse(
      R"({"text": ["a", ""], "source": "en", "target": "de", "stream": true, "scores": true,
          "decoding": {"beam_size": 3}})");
  EXPECT_THAT(all.texts, ElementsAre("a", ""));
  EXPECT_TRUE(all.is_list && all.stream && all.scores);
  EXPECT_EQ(all.source, "en");
  EXPECT_EQ(all.target, "de");
  EXPECT_EQ(all.decoding["beam_size"], 3);
}

TEST(Requests, NamesWhatIsWrong) {
  EXPECT_THAT(ErrorOf(R"({})"), HasSubstr("text: is missing"));
  EXPECT_THAT(ErrorOf(R"({"txet": ""})"), HasSubstr("did you mean \"text\"?"));
  EXPECT_THAT(ErrorOf(R"({"text": 5})"), HasSubstr("text: must be a string or a list of strings"));
  EXPECT_THAT(ErrorOf(R"({"text": ["a", null]})"), HasSubstr("text[1]: must be a string"));
  EXPECT_THAT(ErrorOf(R"({"text": "", "stream": "yes"})"), HasSubstr("stream: must be true or"));
  EXPECT_THAT(ErrorOf(R"({"text": "", "source": null})"), HasSubstr("source: must be a string"));
  EXPECT_THAT(ErrorOf(R"({"text": "", "decoding": []})"), HasSubstr("decoding: must be an object"));
  EXPECT_THAT(ErrorOf(R"({"text": "", "text": ""})"), HasSubstr("twice"));
}

TEST(Requests, RefusesHostileBodies) {
  EXPECT_NE(ErrorOf(""), "no error");
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("body: must be an object"));
  EXPECT_THAT(ErrorOf("{\"text\": \"\xFF\"}"), HasSubstr("body: is not UTF-8 at byte 10"));
  EXPECT_NE(ErrorOf(R"({"text": "\ud800"})"), "no error");
  EXPECT_NE(ErrorOf(R"({"text": 1e999})"), "no error");
  EXPECT_NE(ErrorOf(std::string_view("{\"text\": \"\"}\0", 13)), "no error");
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(ErrorOf(std::string(kMaxJsonBytes + 1, ' ')), HasSubstr("the limit is"));
}

TEST(Requests, ReadsLibreTranslates) {
  const TranslationRequest request = ParseLibreTranslate(
      R"({"q": "a", "source": "auto", "target": "de", "alternatives": 2, "unknown": [1]})");
  EXPECT_THAT(request.texts, ElementsAre("a"));
  EXPECT_TRUE(request.is_auto);
  EXPECT_FALSE(request.source);
  EXPECT_EQ(request.alternatives, 2);
  const auto error = [](std::string_view body) {
    return UsageErrorOf([&] { ParseLibreTranslate(body); });
  };
  EXPECT_THAT(error(R"({"source": "en", "target": "de"})"), HasSubstr("q: is missing"));
  EXPECT_THAT(error(R"({"q": "a", "target": "de"})"), HasSubstr("source: is missing"));
  EXPECT_THAT(error(R"({"q": "a", "source": "en", "target": "de", "format": "html"})"),
              HasSubstr("format: only \"text\""));
  for (const char* count : {"-1", "1.5", "18446744073709551615", "\"x\"", "\"\"", "true"}) {
    EXPECT_THAT(error(fmt::format(
                    R"({{"q": "a", "source": "en", "target": "de", "alternatives": {}}})", count)),
                HasSubstr("alternatives: must be a whole number"))
        << count;
  }
}

TEST(Requests, ReadsForms) {
  EXPECT_THAT(
      ParseForm("q=A+cat%21&source=en&&empty=&alone"),
      ElementsAre(Pair("q", "A cat!"), Pair("source", "en"), Pair("empty", ""), Pair("alone", "")));
  for (const char* wrong : {"q=%", "q=%4", "q=%zz", "q=a%"}) {
    EXPECT_THAT(UsageErrorOf([&] { ParseForm(wrong); }), HasSubstr("hexadecimal")) << wrong;
  }
  const Json fields = LibreTranslateFields(ParseForm("q=a&q=b&q=c&alternatives=1&other=1"));
  EXPECT_EQ(fields, Json::parse(R"({"q": ["a", "b", "c"], "alternatives": "1"})"));
  EXPECT_THAT(UsageErrorOf([] { LibreTranslateFields(ParseForm("source=a&source=b")); }),
              HasSubstr("source: is there twice"));
  EXPECT_THAT(UsageErrorOf([] { LibreTranslateFields(ParseForm("q=%FF")); }),
              HasSubstr("q: is not UTF-8"));
  EXPECT_EQ(ApiKeyOf(LibreTranslateFields(ParseForm("api_key=secret"))), "secret");
}

TEST(Requests, WritesOurAnswers) {
  const std::vector<TextTranslation> texts = {
      {.best = {{.text = "Eine Katze.", .score = -0.5}, {.text = "Die Katze.", .score = -0.75}},
       .warnings = {"strange"}}};
  EXPECT_EQ(JsonLine(TranslationAnswer(texts, {})),
            R"({"translations":[{"text":"Eine Katze.","warnings":["strange"]}]})");
  EXPECT_EQ(JsonLine(TextAnswer({.best = texts[0].best}, {.alternatives = true, .scores = true})),
            R"({"text":"Eine Katze.","score":-0.5,)"
            R"("alternatives":[{"text":"Die Katze.","score":-0.75}]})");
  EXPECT_EQ(JsonLine(ErrorAnswer("no \xFF")), "{\"error\":\"no \uFFFD\"}");
}

TEST(Requests, WritesLibreTranslatesAnswers) {
  const LanguagePair languages = {.source = "en", .target = "de"};
  TranslationRequest request;
  const std::vector<TextTranslation> one = {TextOf("A")};
  EXPECT_EQ(JsonLine(LibreTranslateAnswer(request, languages, one)), R"({"translatedText":"A"})");
  request.is_list = request.is_auto = true;
  request.alternatives = 1;
  const std::vector<TextTranslation> two = {{.best = {{.text = "A"}, {.text = "a"}}}, TextOf("B")};
  EXPECT_EQ(JsonLine(LibreTranslateAnswer(request, languages, two)),
            R"({"translatedText":["A","B"],"alternatives":[["a"],[]],)"
            R"("detectedLanguage":[{"language":"en","confidence":100},)"
            R"({"language":"en","confidence":100}]})");
}

TEST(Requests, ListsLanguages) {
  const std::vector<LanguagePair> languages = {{.source = "en", .target = "de"},
                                               {.source = "en", .target = "fr"},
                                               {.source = "de", .target = "en"}};
  EXPECT_EQ(JsonLine(LanguagesAnswer(languages)),
            R"([{"code":"en","name":"English","targets":["de","fr"]},)"
            R"({"code":"de","name":"German","targets":["en"]},)"
            R"({"code":"fr","name":"French","targets":[]}])");
}

TEST(TextLines, KeepsLineBreaks) {
  const TextLines split = SplitIntoLines("a\r\n\nb\n");
  EXPECT_THAT(split.lines, ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split.breaks, ElementsAre("\r\n", "\n", "\n"));
  const std::vector<TranslatedLine> lines = {
      {.best = {{.text = "A", .score = -1}, {.text = "Å", .score = -2}}},
      {.best = {{.text = ""}}},
      {.best = {{.text = "B", .score = -1}}, .has_unknown = true},
      {.best = {{.text = ""}}}};
  const TextTranslation joined = JoinLines(lines, split.breaks);
  ASSERT_EQ(joined.best.size(), 2);
  EXPECT_EQ(joined.best[0].text, "A\r\n\nB\n");
  EXPECT_EQ(joined.best[0].score, -2);
  EXPECT_EQ(joined.best[1].text, "Å\r\n\nB\n");
  EXPECT_THAT(joined.warnings, ElementsAre(HasSubstr("line 3: ")));
  EXPECT_THAT(SplitIntoLines("").lines, ElementsAre(""));
}

TEST(LanguagePair, IsReadBeforeAPath) {
  EXPECT_EQ(ParseModelArgument("en-de=runs/a=b").path, "runs/a=b");
  EXPECT_EQ(ParseModelArgument("zh_Hans-en=runs/a").languages,
            (LanguagePair{.source = "zh_Hans", .target = "en"}));
  for (const char* path : {"runs/a", "runs/x-y=1", "my-model=3", "en=runs", "a-b=c"}) {
    EXPECT_EQ(ParseModelArgument(path).path, path);
    EXPECT_FALSE(ParseModelArgument(path).languages);
  }
}

// The status with which a request's head is refused; 200 if it is not.
int StatusOf(const RequestHead& head, const ServerOptions& options = {}, bool is_stopping = false) {
  try {
    CheckHead(head, options, is_stopping);
  } catch (const RequestError& error) {
    return StatusOf(error.refusal());
  }
  return 200;
}

TEST(RequestHead, ChecksPathsAndMethods) {
  EXPECT_EQ(StatusOf({.method = "GET", .path = "/health"}), 200);
  EXPECT_EQ(StatusOf({.method = "GET", .path = "/healthy"}), 404);
  EXPECT_EQ(StatusOf({.method = "GET", .path = "/v1/translate"}), 405);
  EXPECT_EQ(StatusOf({.method = "OPTIONS", .path = "/v1/translate"}), 405);
  EXPECT_EQ(StatusOf({.method = "POST", .path = "/detect", .content_length = 2}), 501);
  EXPECT_EQ(StatusOf({.method = "POST", .path = "/languages"}), 200);
  EXPECT_EQ(StatusOf({.method = "GET", .path = "/health"}, {}, /*is_stopping=*/true), 200);
  EXPECT_EQ(StatusOf({.method = "POST", .path = "/translate", .content_length = 2}, {},
                     /*is_stopping=*/true),
            503);
}

TEST(RequestHead, ChecksTheLengthOfTheBody) {
  const auto status = [](RequestHead head) {
    head.method = "POST";
    head.path = "/v1/translate";
    return StatusOf(head);
  };
  EXPECT_EQ(status({.content_length = 2}), 200);
  EXPECT_EQ(status({.is_chunked = true}), 200);
  EXPECT_EQ(status({}), 411);
  EXPECT_EQ(status({.content_length = 1'000'000'000}), 413);
  EXPECT_EQ(status({.content_length = 2, .is_multipart = true}), 415);
}

TEST(RequestHead, ChecksWhichSiteAsks) {
  const auto status = [](std::string host, std::optional<std::string> origin,
                         const ServerOptions& options = {}) {
    return StatusOf(
        {.method = "GET", .path = "/", .host = std::move(host), .origin = std::move(origin)},
        options);
  };
  for (const char* host : {"localhost", "LocalHost:8080", "127.0.0.1:8080", "[::1]:8080"}) {
    EXPECT_EQ(status(host, std::nullopt), 200) << host;
  }
  for (const char* host : {"example.com", "localhost.example.com", "127.0.0.1.example.com",
                           "127.example.com", "localhost:80:80", "localhost:x", ""}) {
    EXPECT_EQ(status(host, std::nullopt), 403) << host;
  }
  EXPECT_EQ(status("localhost:8080", "http://localhost:8080"), 200);
  EXPECT_EQ(status("localhost:8080", "http://localhost:8081"), 403);
  EXPECT_EQ(status("localhost:8080", "null"), 403);
  EXPECT_EQ(status("example.com", "https://other.com", {.host = "0.0.0.0", .token = "t"}), 200);
}

TEST(Access, ComparesTokens) {
  EXPECT_TRUE(IsToken("secret", "secret"));
  for (const char* wrong : {"", "secre", "secrets", "Secret", "secretsecret"}) {
    EXPECT_FALSE(IsToken(wrong, "secret")) << wrong;
  }
  EXPECT_FALSE(IsToken("", ""));
  EXPECT_EQ(BearerToken("Bearer secret"), "secret");
  EXPECT_EQ(BearerToken("bearer  secret"), "secret");
  EXPECT_EQ(BearerToken("Basic secret"), "");
  EXPECT_EQ(BearerToken(""), "");
}

}  // namespace
}  // namespace wavemt
