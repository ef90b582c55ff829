#include "server/server_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "support/memory.h"

namespace wavemt {
namespace {

// A value of a label, between quotes.
std::string EscapeLabel(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return escaped;
}

std::string Head(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

std::string Gauge(const char* name, const char* help, double value) {
  return Head(name, "gauge", help) + fmt::format("{} {:.15g}\n", name, value);
}

}  // namespace

void ServerMetrics::Histogram::Observe(double value) {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  if (bound != bounds_.end()) ++counts_.at(static_cast<size_t>(bound - bounds_.begin()));
  ++count_;
  sum_ += value;
}

std::string ServerMetrics::Histogram::Text(const std::string& name) const {
  std::string text;
  int64_t so_far = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    so_far += counts_.at(i);
    text += fmt::format("{}_bucket{{le=\"{:g}\"}} {}\n", name, bounds_[i], so_far);
  }
  text += fmt::format("{}_bucket{{le=\"+Inf\"}} {}\n", name, count_);
  return text + fmt::format("{}_sum {:.15g}\n{}_count {}\n", name, sum_, name, count_);
}

void ServerMetrics::CountRequest(const std::string& path, int status) {
  const std::scoped_lock lock(mutex_);
  ++requests_[{path, status}];
}

void ServerMetrics::CountRefusal(Refusal refusal) {
  const std::scoped_lock lock(mutex_);
  ++refusals_[NameOf(refusal)];
}

void ServerMetrics::CountLines(const LanguagePair& languages, size_t lines) {
  const std::scoped_lock lock(mutex_);
  lines_[{languages.source, languages.target}] += static_cast<int64_t>(lines);
}

void ServerMetrics::ObserveSeconds(double seconds) {
  const std::scoped_lock lock(mutex_);
  seconds_.Observe(seconds);
}

void ServerMetrics::ObserveBatch(size_t lines) {
  const std::scoped_lock lock(mutex_);
  batch_lines_.Observe(static_cast<double>(lines));
}

std::string ServerMetrics::Text(const Now& now) const {
  std::string text;
  {
    const std::scoped_lock lock(mutex_);
    text += Head("wavemt_http_requests_total", "counter", "Requests that were answered.");
    for (const auto& [labels, count] : requests_) {
      text += fmt::format("wavemt_http_requests_total{{path=\"{}\",code=\"{}\"}} {}\n",
                          EscapeLabel(labels.first), labels.second, count);
    }
    text += Head("wavemt_request_seconds", "histogram",
                 "Time from a request for translations to the end of its answer.");
    text += seconds_.Text("wavemt_request_seconds");
    text += Head("wavemt_lines_total", "counter", "Lines that were translated.");
    for (const auto& [labels, count] : lines_) {
      text += fmt::format("wavemt_lines_total{{source=\"{}\",target=\"{}\"}} {}\n",
                          EscapeLabel(labels.first), EscapeLabel(labels.second), count);
    }
    text += Head("wavemt_batch_lines", "histogram", "Lines that were translated together.");
    text += batch_lines_.Text("wavemt_batch_lines");
    text += Head("wavemt_refused_total", "counter", "Requests that were answered by an error.");
    for (const auto& [reason, count] : refusals_) {
      text += fmt::format("wavemt_refused_total{{reason=\"{}\"}} {}\n", EscapeLabel(reason), count);
    }
  }
  text += Gauge("wavemt_lines_waiting", "Lines that wait to be translated.",
                static_cast<double>(now.lines_waiting));
  text += Gauge("wavemt_connections", "Connections that are open.",
                static_cast<double>(now.connections));
  if (const auto memory = MeasureProcessMemory()) {
    text += Gauge("process_resident_memory_bytes", "Resident memory.",
                  static_cast<double>(memory->anonymous + memory->file));
  }
  text +=
      Gauge("process_start_time_seconds", "When the server began, in seconds since 1970.", start_);
  return text;
}

}  // namespace wavemt
