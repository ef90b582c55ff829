#include "server/raw_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/request_error.h"

namespace wavemt {
namespace {

int StatusOfHead(const std::string& head) {
  try {
    ParseRawHead(head);
  } catch (const RequestError& error) {
    return StatusOf(error.refusal());
  }
  return 200;
}

// A POST with these lines.
int StatusOfPost(const std::string& lines) {
  return StatusOfHead("POST /v1/translate HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n");
}

TEST(RawHead, KnowsHowTheBodyIsFramed) {
  const RawHead fixed = ParseRawHead("POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(fixed.method, "POST");
  EXPECT_EQ(fixed.content_length, 12U);
  EXPECT_FALSE(fixed.is_chunked);
  const RawHead chunked = ParseRawHead("POST / HTTP/1.1\r\ntransfer-encoding:  chunked \r\n\r\n");
  EXPECT_TRUE(chunked.is_chunked);
  EXPECT_TRUE(chunked.has_body());
  EXPECT_FALSE(ParseRawHead("GET / HTTP/1.0\r\n\r\n").has_body());
}

TEST(RawHead, RefusesWhatCanBeUnderstoodInTwoWays) {
  EXPECT_EQ(StatusOfPost("Content-Length: 2\r\n"), 200);
  EXPECT_EQ(StatusOfPost("Content-Length: 2\r\nContent-Length: 2\r\n"), 400);
  for (const char* wrong : {"-2", "+2", "2, 2", "0x2", "", "two", "99999999999999999999999"}) {
    EXPECT_EQ(StatusOfPost("Content-Length: " + std::string(wrong) + "\r\n"), 400) << wrong;
  }
  EXPECT_EQ(StatusOfPost("Content-Length : 2\r\n"), 400);
  EXPECT_EQ(StatusOfPost("Content-Length\t: 2\r\n"), 400);
  EXPECT_EQ(StatusOfPost(" Content-Length: 2\r\n"), 400);
  EXPECT_EQ(StatusOfPost("X: y\r\n continued\r\n"), 400);
  EXPECT_EQ(StatusOfPost("Content-Length: 2\nX: y\r\n"), 400);
  EXPECT_EQ(StatusOfPost("X: y\rContent-Length: 2\r\n"), 400);
  EXPECT_EQ(StatusOfPost(std::string("X: \0y\r\n", 7)), 400);
  EXPECT_EQ(StatusOfPost("Transfer-Encoding: chunked\r\n"), 200);
  EXPECT_EQ(StatusOfPost("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"), 400);
  EXPECT_EQ(StatusOfPost("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501);
  for (const char* wrong : {"gzip, chunked", "%63hunked", "Chunked", "chunked, identity", ""}) {
    EXPECT_EQ(StatusOfPost("Transfer-Encoding: " + std::string(wrong) + "\r\n"), 501) << wrong;
  }
  EXPECT_EQ(StatusOfPost("Host: other\r\n"), 400);
  EXPECT_EQ(StatusOfPost("Content-Encoding: gzip\r\nContent-Length: 2\r\n"), 415);
}

TEST(RawHead, RefusesWhatIsNoRequest) {
  for (const char* line : {"", "GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.1 ", "GET  HTTP/1.1",
                           "GET http://localhost/ HTTP/1.1", "G T / HTTP/1.1", "GET /\x7F HTTP/1.1",
                           "GET /a b HTTP/1.1", "{} / HTTP/1.1"}) {
    EXPECT_EQ(StatusOfHead(std::string(line) + "\r\n\r\n"), 400) << line;
  }
}

TEST(RawHead, RefusesWhatIsTooLarge) {
  EXPECT_EQ(StatusOfPost("X: " + std::string(7000, 'y') + "\r\n"), 200);
  EXPECT_EQ(StatusOfPost("X: " + std::string(9000, 'y') + "\r\n"), 431);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  EXPECT_EQ(StatusOfPost(many), 431);
}

TEST(RawHead, PassesOnWhatTheLibraryMaySee) {
  const RawHead head = ParseRawHead(
      "GET /languages HTTP/1.1\r\nHost: localhost\r\nRange: bytes=-,-,-\r\nContent-Length: 7\r\n"
      "Expect: 100-continue\r\nAuthorization: Bearer t\r\n\r\n");
  EXPECT_EQ(head.text,
            "GET /languages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\n\r\n");
  EXPECT_TRUE(head.has_body()) << "which must not become the next request";
  const std::string post = "POST / HTTP/1.1\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(ParseRawHead(post).text, post);
}

}  // namespace
}  // namespace wavemt
