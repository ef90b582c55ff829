#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "decoding/translator.h"
#include "server/batch_queue.h"
#include "server/language_pair.h"
#include "server/requests.h"
#include "server/server_metrics.h"
#include "server/server_options.h"
#include "server/text_lines.h"

namespace wavemt {

/// A model that is ready to translate.
struct ServedModel {
  LanguagePair languages;
  Translator translator;
  Config config;
};

/// A request on its way: its texts come back in order, each as soon as it is done. If it is
/// destroyed before, what has not been translated is dropped.
class RunningTranslation {
 public:
  bool is_done() const { return num_done_ == breaks_.size(); }
  const LanguagePair& languages() const { return languages_; }
  /// The search kept more than the best translation.
  bool has_alternatives() const { return has_alternatives_; }

  /// The next text, or nothing if it was not there at `until`. Throws a RequestError if it took too
  /// long or could not be translated.
  /// REQUIRES: !is_done().
  std::optional<TextTranslation> Next(BatchQueue::Clock::time_point until);

 private:
  friend class TranslationService;
  RunningTranslation() = default;
  bool AwaitLines(BatchQueue::Clock::time_point until);

  LanguagePair languages_;
  bool has_alternatives_ = false;
  std::vector<std::vector<std::string>> breaks_;  // Of each text.
  size_t num_done_ = 0;                           // Texts that were returned.
  std::vector<TranslatedLine> lines_;             // Of the texts that were not.
  std::unique_ptr<BatchQueue::Ticket> ticket_;
  ServerMetrics* metrics_ = nullptr;
};

/// Translates requests with one of several models. Thread-safe.
class TranslationService {
 public:
  /// `metrics` must outlive the service. At least one model.
  TranslationService(std::vector<ServedModel> models, const ServiceLimits& limits,
                     ServerMetrics* metrics);

  const std::vector<LanguagePair>& languages() const { return languages_; }
  size_t lines_waiting() const { return queue_.lines_waiting(); }

  /// Puts the texts into the queue. Throws a RequestError, or another usage error about `request`.
  std::unique_ptr<RunningTranslation> Start(const TranslationRequest& request,
                                            BatchQueue::Clock::time_point deadline);

 private:
  const ServedModel& ModelFor(const TranslationRequest& request) const;
  DecodingConfig DecodingFor(const ServedModel& model, const TranslationRequest& request) const;

  const std::vector<ServedModel> models_;
  const ServiceLimits limits_;
  ServerMetrics* metrics_;
  std::vector<LanguagePair> languages_;
  BatchQueue queue_;  // Ends before the models do.
};

}  // namespace wavemt
