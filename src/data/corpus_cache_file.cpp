#include "data/corpus_cache_file.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <future>
#include <limits>
#include <utility>

#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

static_assert(std::endian::native == std::endian::little, "a corpus cache is little-endian");

constexpr std::string_view kMagic = "wavemtTC";
// Increases whenever the format changes, or the ids that a text is tokenized to, or the order of
// PairProblem.
constexpr uint32_t kCacheVersion = 5;
constexpr uint64_t kBlockSize = 1 << 20;

struct Trailer {
  uint64_t num_ids = 0;
  uint64_t num_pairs = 0;
  uint64_t id_width = 0;
  uint64_t length_width = 0;
  uint64_t pairs_read = 0;
  uint64_t pairs_empty = 0;
  uint64_t pairs_too_long = 0;
  uint64_t pairs_of_zero_weight = 0;
  uint64_t pairs_filtered[kPairProblems.size()] = {};
  uint64_t pairs_of_several_sentences = 0;
  uint64_t num_weights = 0;
  uint64_t text_bytes = 0;
  uint64_t settings_size = 0;
  uint64_t stamps_size = 0;
  uint64_t contents_size = 0;
  uint64_t corpus_checksum = 0;
  // Covers the block checksums, the origin and the fields above.
  uint32_t checksum = 0;
  uint32_t version = kCacheVersion;
  char magic[8] = {};
};
static_assert(sizeof(Trailer) == 136 + 8 * kPairProblems.size() &&
              std::is_trivially_copyable_v<Trailer>);
constexpr size_t kTrailerBytesChecked = offsetof(Trailer, checksum);

std::string_view BytesOf(const std::vector<uint32_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(uint32_t)};
}

uint64_t NumBlocks(uint64_t bytes) { return (bytes + kBlockSize - 1) / kBlockSize; }

bool IsWidth(uint64_t value) { return value == 2 || value == 4; }

}  // namespace

std::filesystem::path CorpusCacheWriter::TextPathOf(const std::filesystem::path& path) {
  return path.string() + ".text";
}

CorpusCacheWriter::CorpusCacheWriter(std::filesystem::path path, int64_t largest_id,
                                     int64_t largest_length)
    : path_(std::move(path)),
      file_(path_),
      id_width_(WidthFor(largest_id)),
      length_width_(WidthFor(largest_length)),
      data_(kMagic) {}

void CorpusCacheWriter::Append(std::span<const int32_t> ids) {
  AppendPacked(&lengths_, static_cast<uint32_t>(ids.size()), length_width_);
  for (const int32_t id : ids) AppendPacked(&data_, static_cast<uint32_t>(id), id_width_);
  num_ids_ += ids.size();
}

void CorpusCacheWriter::Add(const TokenizedPair& pair) {
  Append(pair.source);
  Append(pair.target);
  if (pair.weight != 1.0F && weights_.empty()) weights_.assign(num_pairs_, 1.0F);
  if (pair.weight != 1.0F || !weights_.empty()) weights_.push_back(pair.weight);
  if (!pair.source_text.empty()) {
    if (!text_) text_ = std::make_unique<StagedFile>(TextPathOf(path_));
    for (const std::string_view side : {pair.source_text, pair.target_text}) {
      text_->Write(side);
      text_->Write("\n");
      text_bytes_ += side.size() + 1;
    }
  }
  ++num_pairs_;
  AddPair(pair, &checksum_);
  WriteBlocks(/*all=*/false);
}

void CorpusCacheWriter::AppendText() {
  if (!text_) return;
  text_->Sync();
  ReadInPieces(text_->staging_path(), [this](std::string_view piece) {
    data_ += piece;
    WriteBlocks(/*all=*/false);
  });
  text_.reset();
}

void CorpusCacheWriter::WriteBlocks(bool all) {
  std::string_view left = data_;
  while (left.size() >= kBlockSize || (all && !left.empty())) {
    const std::string_view block = left.substr(0, kBlockSize);
    file_.Write(block);
    block_checksums_.push_back(Crc32Of(block).value());
    left.remove_prefix(block.size());
  }
  data_.erase(0, data_.size() - left.size());
}

void CorpusCacheWriter::Commit(const CorpusOrigin& origin, const CorpusCounts& counts) {
  Trailer trailer{.num_ids = num_ids_,
                  .num_pairs = num_pairs_,
                  .id_width = static_cast<uint64_t>(id_width_),
                  .length_width = static_cast<uint64_t>(length_width_),
                  .pairs_read = static_cast<uint64_t>(counts.read),
                  .pairs_empty = static_cast<uint64_t>(counts.empty),
                  .pairs_too_long = static_cast<uint64_t>(counts.too_long),
                  .pairs_of_zero_weight = static_cast<uint64_t>(counts.zero_weight),
                  .pairs_of_several_sentences = static_cast<uint64_t>(counts.several_sentences),
                  .num_weights = weights_.size(),
                  .text_bytes = text_bytes_,
                  .settings_size = origin.settings.size(),
                  .stamps_size = origin.stamps.size(),
                  .contents_size = origin.contents.size(),
                  .corpus_checksum = checksum_.value()};
  std::ranges::copy(counts.filtered, std::begin(trailer.pairs_filtered));
  data_ += lengths_;
  data_.append(reinterpret_cast<const char*>(weights_.data()), weights_.size() * sizeof(float));
  AppendText();
  WriteBlocks(/*all=*/true);
  std::string tail(BytesOf(block_checksums_));
  tail += origin.settings + origin.stamps + origin.contents;
  tail.append(reinterpret_cast<const char*>(&trailer), kTrailerBytesChecked);
  trailer.checksum = Crc32Of(tail).value();
  std::copy(kMagic.begin(), kMagic.end(), trailer.magic);
  tail.append(reinterpret_cast<const char*>(&trailer) + kTrailerBytesChecked,
              sizeof(trailer) - kTrailerBytesChecked);
  file_.Write(tail);
  file_.Commit();
}

CorpusCacheFile::CorpusCacheFile(const std::filesystem::path& path) : file_(path) { ReadTrailer(); }

void CorpusCacheFile::ReadTrailer() {
  const uint64_t size = file_.bytes().size();
  Trailer trailer;
  if (size < kMagicSize + sizeof(trailer)) {
    throw Failure("{}: is damaged: it is too short", path().string());
  }
  file_.Read(size - sizeof(trailer), {reinterpret_cast<char*>(&trailer), sizeof(trailer)});
  if (std::string_view(trailer.magic, kMagicSize) != kMagic) {
    throw Failure("{}: is damaged: its end is not that of a corpus cache", path().string());
  }
  if (trailer.version != kCacheVersion) {
    throw Failure("{}: is of version {}, this program reads {}", path().string(), trailer.version,
                  kCacheVersion);
  }
  // Numbers are compared with the file's size before they are multiplied, so no product overflows.
  uint64_t not_kept = 0;  // Cannot overflow below: each count is at most pairs_read < 2^63.
  bool counts_fit = trailer.pairs_read <= std::numeric_limits<int64_t>::max();
  const auto count_out = [&](uint64_t count) {
    counts_fit = counts_fit && count <= trailer.pairs_read - not_kept;
    if (counts_fit) not_kept += count;
  };
  for (const uint64_t count :
       {trailer.pairs_empty, trailer.pairs_too_long, trailer.pairs_of_zero_weight}) {
    count_out(count);
  }
  for (const uint64_t count : trailer.pairs_filtered) count_out(count);
  const bool is_possible = IsWidth(trailer.id_width) && IsWidth(trailer.length_width) &&
                           trailer.num_ids <= size && trailer.num_pairs <= size &&
                           trailer.settings_size <= size && trailer.stamps_size <= size &&
                           trailer.contents_size <= size && trailer.text_bytes <= size &&
                           counts_fit && trailer.pairs_of_several_sentences <= trailer.num_pairs &&
                           (trailer.num_weights == 0 || trailer.num_weights == trailer.num_pairs) &&
                           trailer.corpus_checksum <= std::numeric_limits<uint32_t>::max();
  ids_bytes_ = is_possible ? trailer.num_ids * trailer.id_width : 0;
  lengths_bytes_ = is_possible ? 2 * trailer.num_pairs * trailer.length_width : 0;
  text_bytes_ = is_possible ? trailer.text_bytes : 0;
  data_bytes_ =
      kMagicSize + ids_bytes_ + lengths_bytes_ + trailer.num_weights * sizeof(float) + text_bytes_;
  const uint64_t tail_size = NumBlocks(data_bytes_) * sizeof(uint32_t) + trailer.settings_size +
                             trailer.stamps_size + trailer.contents_size;
  if (!is_possible || data_bytes_ + tail_size + sizeof(trailer) != size) {
    throw Failure("{}: is damaged: its numbers contradict each other", path().string());
  }
  id_width_ = static_cast<IntWidth>(trailer.id_width);
  length_width_ = static_cast<IntWidth>(trailer.length_width);
  counts_ = {.read = static_cast<int64_t>(trailer.pairs_read),
             .empty = static_cast<int64_t>(trailer.pairs_empty),
             .too_long = static_cast<int64_t>(trailer.pairs_too_long),
             .zero_weight = static_cast<int64_t>(trailer.pairs_of_zero_weight),
             .several_sentences = static_cast<int64_t>(trailer.pairs_of_several_sentences)};
  std::ranges::copy(trailer.pairs_filtered, counts_.filtered.begin());
  checksum_ = static_cast<uint32_t>(trailer.corpus_checksum);

  std::string tail(tail_size + kTrailerBytesChecked, '\0');
  file_.Read(data_bytes_, tail);
  if (Crc32Of(tail).value() != trailer.checksum) {
    throw Failure("{}: is damaged: the checksum of its end is wrong", path().string());
  }
  block_checksums_.resize(NumBlocks(data_bytes_));
  std::memcpy(block_checksums_.data(), tail.data(), block_checksums_.size() * sizeof(uint32_t));
  size_t begin = block_checksums_.size() * sizeof(uint32_t);
  const auto take = [&](uint64_t length) {
    begin += length;
    return tail.substr(begin - length, length);
  };
  origin_.settings = take(trailer.settings_size);
  origin_.stamps = take(trailer.stamps_size);
  origin_.contents = take(trailer.contents_size);
}

void CorpusCacheFile::VerifyBlock(uint64_t block, std::vector<char>* buffer) const {
  const uint64_t begin = block * kBlockSize;
  buffer->resize(std::min(kBlockSize, data_bytes_ - begin));
  file_.Read(begin, *buffer);
  if (Crc32Of({buffer->data(), buffer->size()}).value() != block_checksums_[block]) {
    throw Failure("{}: is damaged: the checksum of bytes {} to {} is wrong", path().string(), begin,
                  begin + buffer->size() - 1);
  }
}

void CorpusCacheFile::Verify(int num_threads) const {
  ProgressBar progress("checking " + path().filename().string(),
                       static_cast<int64_t>(block_checksums_.size()));
  std::atomic<uint64_t> next = 0;
  const auto work = [&](ProgressBar* shown) {
    std::vector<char> buffer;
    try {
      for (uint64_t block = 0; (block = next++) < block_checksums_.size();) {
        VerifyBlock(block, &buffer);
        if (shown != nullptr) shown->Update(static_cast<int64_t>(block), "MiB");
      }
    } catch (...) {
      next = block_checksums_.size();  // Stops the other threads.
      throw;
    }
  };
  std::vector<std::future<void>> others;
  for (int i = 1; i < num_threads; ++i) {
    others.push_back(std::async(std::launch::async, work, nullptr));
  }
  work(&progress);
  for (auto& other : others) other.get();
}

std::vector<char> CorpusCacheFile::ReadLengths() const {
  std::vector<char> lengths(lengths_bytes_);
  file_.Read(kMagicSize + ids_bytes_, lengths);
  return lengths;
}

std::vector<float> CorpusCacheFile::ReadWeights() const {
  const uint64_t begin = kMagicSize + ids_bytes_ + lengths_bytes_;
  std::vector<float> weights((data_bytes_ - text_bytes_ - begin) / sizeof(float));
  file_.Read(begin, {reinterpret_cast<char*>(weights.data()), weights.size() * sizeof(float)});
  return weights;
}

}  // namespace wavemt
