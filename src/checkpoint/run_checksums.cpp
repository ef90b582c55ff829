#include "checkpoint/run_checksums.h"

#include <optional>

#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr std::string_view kRunFormat = "wavemt-run";
constexpr int kRunVersion = 1;
// Key inside a file's entry: the digest that the file will have once it has been replaced.
constexpr const char* kNext = "next";

Json DigestOf(std::string_view contents) {
  return {{"bytes", contents.size()}, {"crc32", Crc32Of(contents).Hex()}};
}

std::string TextOf(const Json& files) {
  return Json({{"format", kRunFormat}, {"version", kRunVersion}, {"files", files}}).dump(2) + "\n";
}

// The entries of checksums.json; nothing if the run does not have it.
std::optional<Json> ReadChecksums(const fs::path& run) {
  const fs::path path = run / kRunChecksumsFile;
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) return std::nullopt;
  const Json json = ReadJson(path);
  const bool known = json.is_object() && json.value("format", Json()) == kRunFormat &&
                     json.value("version", Json()) == kRunVersion && json.contains("files") &&
                     json["files"].is_object();
  if (!known) throw UsageError("{}: is damaged or of another version", path.string());
  return std::optional<Json>(std::in_place, json["files"]);
}

bool Matches(const Json& entry, const Json& digest) {
  return entry.is_object() && entry.value("bytes", Json()) == digest["bytes"] &&
         entry.value("crc32", Json()) == digest["crc32"];
}

}  // namespace

std::string RunChecksums(const std::map<std::string, std::string>& files) {
  Json entries = Json::object();
  for (const auto& [name, contents] : files) entries[name] = DigestOf(contents);
  return TextOf(entries);
}

std::string ReadRunFile(const fs::path& run, const std::string& name) {
  constexpr size_t kMaxBytes = size_t{256} << 20;  // More than any config or tokenizer needs.
  std::string contents = ReadFile(run / name, kMaxBytes);
  const std::optional<Json> files = ReadChecksums(run);
  if (!files) return contents;
  const std::string checksums = (run / kRunChecksumsFile).string();
  const auto entry = files->find(name);
  if (entry == files->end() || !entry->is_object()) {
    throw UsageError("{}: does not list {}", checksums, name);
  }
  const Json digest = DigestOf(contents);
  if (Matches(*entry, digest) || Matches(entry->value(kNext, Json()), digest)) return contents;
  const std::string advice =
      name == "config.json"
          ? fmt::format(" (a setting is changed by `wavemt resume {} --set key=value`)",
                        run.string())
          : "";
  throw UsageError(
      "{}: is damaged or was edited: {} bytes with the checksum {}, but {} says {} and {}{}; to "
      "take the run's files as they are, remove that file",
      (run / name).string(), digest["bytes"].dump(), digest["crc32"].get<std::string>(), checksums,
      QuoteJson(entry->value("bytes", Json())), QuoteJson(entry->value("crc32", Json())), advice);
}

bool HasRunFile(const fs::path& run, const std::string& name) {
  if (Exists(run / name)) return true;
  const std::optional<Json> files = ReadChecksums(run);
  return files && files->contains(name);
}

void ReplaceRunFile(const fs::path& run, const std::string& name, std::string_view contents) {
  std::optional<Json> files = ReadChecksums(run);
  if (!files) return WriteFileAtomically(run / name, contents);
  Json& entry = (*files)[name];
  entry = DigestOf(ReadRunFile(run, name));
  entry[kNext] = DigestOf(contents);
  WriteFileAtomically(run / kRunChecksumsFile, TextOf(*files));
  WriteFileAtomically(run / name, contents);
  entry = DigestOf(contents);
  WriteFileAtomically(run / kRunChecksumsFile, TextOf(*files));
}

}  // namespace wavemt
