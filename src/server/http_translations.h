#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "server/body_meter.h"
#include "server/http_exchange.h"
#include "server/requests.h"
#include "server/server_metrics.h"
#include "server/server_options.h"
#include "server/text_lines.h"
#include "server/translation_service.h"

namespace wavemt {

/// The handlers of requests with a body. They throw what the client is told. Thread-safe.
class HttpTranslations {
 public:
  /// All of these must outlive it.
  HttpTranslations(const ServerOptions& options, TranslationService* service,
                   ServerMetrics* metrics)
      : options_(options), service_(service), metrics_(metrics) {}

  void Translate(Exchange& exchange, const httplib::ContentReader& reader);
  void TranslateForLibreTranslate(Exchange& exchange, const httplib::ContentReader& reader);
  void ListLanguages(Exchange& exchange, const httplib::ContentReader& reader);

 private:
  using Clock = std::chrono::steady_clock;

  BodyMeter MeterUntil(Clock::time_point deadline);
  std::vector<TextTranslation> Collect(RunningTranslation* running, Clock::time_point deadline);
  void Stream(Exchange& exchange, std::shared_ptr<RunningTranslation> running, ShownParts shown,
              Clock::time_point arrival);
  bool WriteTexts(RunningTranslation* running, ShownParts shown, httplib::DataSink& sink);
  void Finished(Clock::time_point arrival);

  const ServerOptions& options_;
  TranslationService* service_;
  ServerMetrics* metrics_;
  std::atomic<size_t> held_bytes_ = 0;
  std::mutex parsing_;  // A parsed body takes up to about 30 times the memory of its text.
};

}  // namespace wavemt
