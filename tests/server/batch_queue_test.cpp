#include "server/batch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "../support/thrown_error.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Arrival = BatchQueue::Arrival;
using Clock = BatchQueue::Clock;
using Lines = std::vector<std::string>;
using std::chrono::milliseconds;

Clock::time_point Later() { return Clock::now() + std::chrono::seconds(60); }

// A translator that notes its batches, and waits in each until it is let through.
class FakeTranslator {
 public:
  explicit FakeTranslator(bool is_open = true) : is_open_(is_open) {}

  BatchQueue::Translate Function() {
    return [this](std::span<const std::string> lines, const std::function<bool()>& stop_requested) {
      return Translate(lines, stop_requested);
    };
  }

  void Open() {
    const std::scoped_lock lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

  // Waits until the n-th call has begun.
  void AwaitBatch(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() >= n; });
  }

  std::vector<Lines> batches() {
    const std::scoped_lock lock(mutex_);
    return batches_;
  }

  std::atomic<bool> was_stopped = false;

 private:
  std::vector<TranslatedLine> Translate(std::span<const std::string> lines,
                                        const std::function<bool()>& stop_requested) {
    std::unique_lock lock(mutex_);
    batches_.emplace_back(lines.begin(), lines.end());
    changed_.notify_all();
    while (!is_open_) {
      changed_.wait_for(lock, milliseconds(1));
      if (stop_requested()) {
        was_stopped = true;
        throw std::runtime_error("stopped");
      }
    }
    std::vector<TranslatedLine> translations;
    for (const std::string& line : lines) {
      if (line == "bad") throw std::runtime_error("cannot translate");
      translations.push_back({.best = {{.text = "<" + line + ">"}}});
    }
    if (!lines.empty() && lines.front() == "short") translations.pop_back();
    return translations;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Lines> batches_;
  bool is_open_;
};

BatchQueue::Job JobOf(FakeTranslator* translator, Lines lines, std::string key = "en-de") {
  return {.lines = std::move(lines),
          .key = std::move(key),
          .translate = translator->Function(),
          .deadline = Later()};
}

std::unique_ptr<BatchQueue::Ticket> MustSubmit(BatchQueue* queue, BatchQueue::Job job) {
  auto submitted = queue->Submit(std::move(job));
  auto* ticket = std::get_if<std::unique_ptr<BatchQueue::Ticket>>(&submitted);
  return ticket == nullptr ? nullptr : std::move(*ticket);
}

std::optional<BatchQueue::Refused> RefusalOf(BatchQueue* queue, BatchQueue::Job job) {
  auto submitted = queue->Submit(std::move(job));
  const auto* refused = std::get_if<BatchQueue::Refused>(&submitted);
  return refused == nullptr ? std::nullopt : std::optional(*refused);
}

// All lines that are still to come.
Lines TextsOf(BatchQueue::Ticket* ticket) {
  std::vector<TranslatedLine> lines;
  while (ticket->Next(Later(), &lines) == Arrival::kLines) {
  }
  Lines texts;
  for (const TranslatedLine& line : lines) texts.push_back(line.best.front().text);
  return texts;
}

std::string ErrorOf(BatchQueue::Ticket* ticket) {
  try {
    TextsOf(ticket);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

// Occupies the queue's thread until the translator is opened, so that what is submitted next waits.
std::unique_ptr<BatchQueue::Ticket> Occupy(BatchQueue* queue, FakeTranslator* translator) {
  auto ticket = MustSubmit(queue, JobOf(translator, {"first"}, "occupied"));
  translator->AwaitBatch(1);
  return ticket;
}

TEST(BatchQueue, ReturnsLinesInOrder) {
  FakeTranslator translator;
  BatchQueue queue({.max_batch_lines = 2});
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {"a", "b", "c", "d", "e"}));
  EXPECT_THAT(TextsOf(ticket.get()), ElementsAre("<a>", "<b>", "<c>", "<d>", "<e>"));
  EXPECT_THAT(translator.batches(), ElementsAre(Lines{"a", "b"}, Lines{"c", "d"}, Lines{"e"}));
  EXPECT_EQ(queue.lines_waiting(), 0);
}

TEST(BatchQueue, AJobWithoutLinesIsDone) {
  FakeTranslator translator;
  BatchQueue queue({});
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {}));
  EXPECT_THAT(TextsOf(ticket.get()), IsEmpty());
  EXPECT_THAT(translator.batches(), IsEmpty());
}

TEST(BatchQueue, JobsWithTheSameKeyShareBatches) {
  FakeTranslator translator(/*is_open=*/false);
  std::vector<size_t> sizes;  // Written by the queue's thread, read after its end.
  BatchQueue queue({.max_batch_lines = 8, .on_batch = [&](size_t n) { sizes.push_back(n); }});
  const auto first = Occupy(&queue, &translator);
  const auto a = MustSubmit(&queue, JobOf(&translator, {"a1", "a2"}));
  const auto other = MustSubmit(&queue, JobOf(&translator, {"o"}, "de-en"));
  const auto b = MustSubmit(&queue, JobOf(&translator, {"b"}));
  EXPECT_EQ(queue.lines_waiting(), 4);
  translator.Open();
  EXPECT_THAT(TextsOf(a.get()), ElementsAre("<a1>", "<a2>"));
  EXPECT_THAT(TextsOf(b.get()), ElementsAre("<b>"));
  EXPECT_THAT(TextsOf(other.get()), ElementsAre("<o>"));
  EXPECT_THAT(translator.batches(),
              ElementsAre(Lines{"first"}, Lines{"a1", "a2", "b"}, Lines{"o"}));
  queue.Stop();
  EXPECT_THAT(sizes, ElementsAre(1, 3, 1));
}

TEST(BatchQueue, ALongJobGivesWay) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({.max_batch_lines = 4});
  const auto first = Occupy(&queue, &translator);
  const auto long_job =
      MustSubmit(&queue, JobOf(&translator, {"1", "2", "3", "4", "5", "6", "7", "8"}));
  const auto same_key = MustSubmit(&queue, JobOf(&translator, {"s"}));
  const auto other_key = MustSubmit(&queue, JobOf(&translator, {"o"}, "de-en"));
  translator.Open();
  EXPECT_THAT(TextsOf(long_job.get()),
              ElementsAre("<1>", "<2>", "<3>", "<4>", "<5>", "<6>", "<7>", "<8>"));
  EXPECT_THAT(translator.batches(), ElementsAre(Lines{"first"}, Lines{"1", "2", "3", "s"},
                                                Lines{"o"}, Lines{"4", "5", "6", "7"}, Lines{"8"}));
}

TEST(BatchQueue, BatchesAreLimitedByBytesToo) {
  FakeTranslator translator;
  BatchQueue queue({.max_batch_lines = 8, .max_batch_bytes = 4});
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {"aaaaaaaa", "bb", "cc", "dd"}));
  EXPECT_EQ(TextsOf(ticket.get()).size(), 4);
  EXPECT_THAT(translator.batches(), ElementsAre(Lines{"aaaaaaaa"}, Lines{"bb", "cc"}, Lines{"dd"}));
}

TEST(BatchQueue, ABadJobDoesNotFailItsNeighbours) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({.max_batch_lines = 4});
  const auto first = Occupy(&queue, &translator);
  const auto good = MustSubmit(&queue, JobOf(&translator, {"good"}));
  const auto bad = MustSubmit(&queue, JobOf(&translator, {"bad", "2", "3", "4", "5"}));
  const auto last = MustSubmit(&queue, JobOf(&translator, {"last"}));
  translator.Open();
  EXPECT_THAT(TextsOf(good.get()), ElementsAre("<good>"));
  EXPECT_THAT(TextsOf(last.get()), ElementsAre("<last>"));
  EXPECT_EQ(ErrorOf(bad.get()), "cannot translate");
  EXPECT_EQ(ErrorOf(bad.get()), "cannot translate");  // However often it is asked.
  EXPECT_EQ(queue.lines_waiting(), 0);                // The rest of the bad job is dropped.
}

TEST(BatchQueue, AWrongNumberOfTranslationsIsAnError) {
  FakeTranslator translator;
  BatchQueue queue({});
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {"short", "line"}));
  EXPECT_EQ(FailureOf([&] { TextsOf(ticket.get()); }), "2 lines have 1 translations");
}

TEST(BatchQueue, RefusesWhatWouldMakeTooManyLinesWait) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({.max_waiting_lines = 3});
  const auto first = Occupy(&queue, &translator);
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {"a", "b"}));
  EXPECT_EQ(RefusalOf(&queue, JobOf(&translator, {"c", "d"})), BatchQueue::Refused::kFull);
  const auto fits = MustSubmit(&queue, JobOf(&translator, {"c"}));
  ASSERT_NE(fits, nullptr);
  translator.Open();
  EXPECT_THAT(TextsOf(fits.get()), ElementsAre("<c>"));
}

TEST(BatchQueue, DropsTheJobOfAClientThatLeft) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({.max_batch_lines = 1});
  const auto first = Occupy(&queue, &translator);
  auto left = MustSubmit(&queue, JobOf(&translator, {"a", "b"}));
  const auto stays = MustSubmit(&queue, JobOf(&translator, {"c"}));
  left.reset();
  EXPECT_EQ(queue.lines_waiting(), 1);
  translator.Open();
  EXPECT_THAT(TextsOf(stays.get()), ElementsAre("<c>"));
  EXPECT_THAT(translator.batches(), ElementsAre(Lines{"first"}, Lines{"c"}));
}

TEST(BatchQueue, StopsASearchThatNobodyWaitsFor) {
  FakeTranslator translator(/*is_open=*/false);
  {
    BatchQueue queue({});
    auto ticket = Occupy(&queue, &translator);
    ticket.reset();
  }
  EXPECT_TRUE(translator.was_stopped);
}

TEST(BatchQueue, AJobPastItsDeadlineExpires) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({});
  const auto first = Occupy(&queue, &translator);
  BatchQueue::Job job = JobOf(&translator, {"late"});
  job.deadline = Clock::now() + milliseconds(3000);
  const auto late = MustSubmit(&queue, std::move(job));
  std::vector<TranslatedLine> lines;
  EXPECT_EQ(late->Next(Clock::now(), &lines), Arrival::kNothing);
  EXPECT_EQ(late->Next(Later(), &lines), Arrival::kExpired);
  EXPECT_EQ(late->Next(Later(), &lines), Arrival::kExpired);
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(queue.lines_waiting(), 0);
  translator.Open();
  queue.Stop();
  EXPECT_THAT(translator.batches(), ElementsAre(Lines{"first"}));
}

TEST(BatchQueue, ASearchIsStoppedAtTheDeadline) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({});
  BatchQueue::Job job = JobOf(&translator, {"slow"});
  job.deadline = Clock::now() + milliseconds(3000);  // Before that, the thread takes it.
  const auto ticket = MustSubmit(&queue, std::move(job));
  std::vector<TranslatedLine> lines;
  EXPECT_EQ(ticket->Next(Later(), &lines), Arrival::kExpired);
  queue.Stop();
  EXPECT_TRUE(translator.was_stopped);
}

TEST(BatchQueue, FinishesWhatItHasWhenItStops) {
  FakeTranslator translator(/*is_open=*/false);
  BatchQueue queue({.max_batch_lines = 1});
  const auto first = Occupy(&queue, &translator);
  const auto ticket = MustSubmit(&queue, JobOf(&translator, {"a", "b"}));
  translator.Open();
  queue.Stop();
  EXPECT_EQ(RefusalOf(&queue, JobOf(&translator, {"c"})), BatchQueue::Refused::kStopping);
  EXPECT_THAT(TextsOf(ticket.get()), ElementsAre("<a>", "<b>"));
}

TEST(BatchQueue, ATicketMayOutliveTheQueue) {
  FakeTranslator translator;
  std::unique_ptr<BatchQueue::Ticket> ticket;
  {
    BatchQueue queue({});
    ticket = MustSubmit(&queue, JobOf(&translator, {"a"}));
  }
  EXPECT_THAT(TextsOf(ticket.get()), ElementsAre("<a>"));
}

TEST(BatchQueue, ManyClientsGetTheirOwnLines) {
  FakeTranslator translator;
  BatchQueue queue({.max_batch_lines = 7});
  std::atomic<int> wrong = 0;
  const auto client = [&](int number) {
    for (int i = 0; i < 50; ++i) {
      Lines lines;
      Lines expected;
      for (int n = 0; n <= i % 5; ++n) {
        lines.push_back(fmt::format("{} {} {}", number, i, n));
        expected.push_back("<" + lines.back() + ">");
      }
      const auto ticket =
          MustSubmit(&queue, JobOf(&translator, lines, number % 2 == 0 ? "en-de" : "de-en"));
      // Some leave at once.
      if (i % 7 != 0 && TextsOf(ticket.get()) != expected) ++wrong;
    }
  };
  std::vector<std::jthread> clients;
  for (int number = 0; number < 8; ++number) clients.emplace_back(client, number);
  clients.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(queue.lines_waiting(), 0);
}

}  // namespace
}  // namespace wavemt
