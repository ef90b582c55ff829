#include "data/corpus_cache.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "data/corpus_cache_file.h"
#include "support/checksum.h"
#include "support/error.h"
#include "support/files.h"
#include "support/folder_lock.h"
#include "support/logging.h"
#include "support/progress.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// Creates a folder and its parents. The destructor removes those that were created, unless Keep()
// was called.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& path) {
    std::error_code ignored;
    for (fs::path missing = path; !missing.empty() && !fs::exists(missing, ignored);
         missing = missing.parent_path()) {
      made_.push_back(missing);
    }
    MakeDirectories(path);
  }
  ~NewFolder() {
    std::error_code ignored;
    for (const fs::path& folder : made_) fs::remove(folder, ignored);  // Fails unless it is empty.
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  void Keep() { made_.clear(); }

 private:
  std::vector<fs::path> made_;
};

std::string SizeOf(const CachedCorpus& corpus) {
  return HumanBytes(static_cast<double>(corpus.file().bytes()));
}

}  // namespace

CorpusCache::CorpusCache(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                         const TokenizeOptions& options, const fs::path& folder)
    : text_(text), tokenizers_(tokenizers), options_(options) {
  origin_.settings = SettingsOf(text, tokenizers, options);
  origin_.stamps = StampsOf(text);
  path_ = folder / fmt::format("{}-{}.tokens", options.name, Crc32Of(origin_.settings).Hex());
}

bool CorpusCache::IsFromSameText(const CorpusOrigin& other) {
  if (other.settings != origin_.settings) return false;
  if (other.stamps == origin_.stamps) return true;
  // Different times do not imply different text: the files may be copies.
  if (origin_.contents.empty()) origin_.contents = ContentsOf(text_, options_.name);
  return other.contents == origin_.contents;
}

std::unique_ptr<const CachedCorpus> CorpusCache::Open() {
  std::error_code ignored;
  if (!fs::exists(path_, ignored)) return nullptr;
  try {
    auto file = std::make_unique<const CorpusCacheFile>(path_);
    if (!IsFromSameText(file->origin())) {
      spdlog::info("{}: the text has changed since {} was built", options_.name, path_.string());
      return nullptr;
    }
    file->Verify(options_.num_threads);
    auto corpus = std::make_unique<const CachedCorpus>(
        std::move(file), CachedCorpus::Limits{.source_vocab_size = tokenizers_.source->vocab_size(),
                                              .target_vocab_size = tokenizers_.target->vocab_size(),
                                              .max_length = options_.max_length});
    if (corpus->has_text() != options_.keeps_text) {
      throw Failure("{}: is damaged: whether it keeps the text is not what its settings say",
                    path_.string());
    }
    return corpus;
  } catch (const Error& error) {
    if (error.kind() == Error::Kind::kUsage) throw;  // The text's fault, not the cache's.
    spdlog::warn("{}; it is not used", error.what());
    return nullptr;
  }
}

std::unique_ptr<const CachedCorpus> CorpusCache::Find() {
  auto corpus = Open();
  if (corpus) {
    spdlog::info("{}: token ids found in {} ({})", options_.name, path_.string(), SizeOf(*corpus));
  }
  return corpus;
}

std::unique_ptr<const CachedCorpus> CorpusCache::FindOrBuild() {
  if (auto corpus = Find()) return corpus;
  NewFolder folder(path_.parent_path());
  bool has_waited = false;
  const FolderLock lock(path_.parent_path(), [&] {
    has_waited = true;
    spdlog::info("{}: waiting for another process, which builds a cache in {}", options_.name,
                 path_.parent_path().string());
  });
  if (has_waited) {
    if (auto corpus = Find()) return corpus;
  }
  // With the lock, no other process is writing it.
  if (lock.held()) {
    TidyUnfinishedOf(path_);
    TidyUnfinishedOf(CorpusCacheWriter::TextPathOf(path_));
  }
  const auto start = std::chrono::steady_clock::now();
  Build();
  folder.Keep();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  auto corpus = Open();
  if (!corpus) throw Failure("{}: cannot be read back just after it was written", path_.string());
  spdlog::info("{}: token ids written to {} ({} in {})", options_.name, path_.string(),
               SizeOf(*corpus), HumanDuration(seconds.count()));
  return corpus;
}

void CorpusCache::Build() {
  if (origin_.contents.empty()) origin_.contents = ContentsOf(text_, options_.name);
  const int64_t vocab_size =
      std::max(tokenizers_.source->vocab_size(), tokenizers_.target->vocab_size());
  CorpusCacheWriter writer(path_, /*largest_id=*/vocab_size - 1,
                           /*largest_length=*/options_.max_length);
  const CorpusCounts counts = TokenizeCorpus(
      text_, tokenizers_, options_, [&writer](const TokenizedPair& pair) { writer.Add(pair); });
  if (StampsOf(text_) != origin_.stamps) {
    throw UsageError(
        "{}: its files were changed while they were read; start again once nothing writes to them",
        options_.name);
  }
  writer.Commit(origin_, counts);
}

}  // namespace wavemt
