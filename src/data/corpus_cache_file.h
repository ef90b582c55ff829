#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/corpus_origin.h"
#include "data/corpus_tokenizer.h"
#include "data/packed_ints.h"
#include "data/tokenized_corpus.h"
#include "support/checksum.h"
#include "support/files.h"
#include "support/mapped_file.h"

namespace wavemt {

/// The file format of a corpus cache, little-endian:
///
///   magic             8 bytes
///   ids               source and target of each pair, 2 or 4 bytes per id
///   lengths           two per pair, 2 or 4 bytes each
///   weights           one per pair, fp32; none if all are 1
///   text              source and target of each pair, each ended by a newline; none unless the
///                     text is kept for subword sampling
///   block checksums   CRC-32 of each MiB of the above, 4 bytes each
///   origin            settings, stamps and contents as text
///   trailer           sizes, counts, TokenizedCorpus::checksum(), a checksum of everything
///                     from the block checksums on, the version, the magic again
///
/// A checksum covers every byte. The file gets its name only when it is complete.
class CorpusCacheWriter {
 public:
  /// Ids are at most `largest_id`, lengths at most `largest_length`. Creates the file under a
  /// temporary name; without a Commit() it is removed.
  CorpusCacheWriter(std::filesystem::path path, int64_t largest_id, int64_t largest_length);

  /// Where the text is collected, under a temporary name, until Commit() appends it to the file.
  static std::filesystem::path TextPathOf(const std::filesystem::path& path);

  /// REQUIRES: either all pairs have text, or none has. Text has no newline.
  void Add(const TokenizedPair& pair);
  /// `counts` is what TokenizeCorpus() returned.
  void Commit(const CorpusOrigin& origin, const CorpusCounts& counts);

 private:
  void Append(std::span<const int32_t> ids);
  void AppendText();
  void WriteBlocks(bool all);

  std::filesystem::path path_;
  StagedFile file_;
  // The text of all pairs until Commit(), which appends it: it may be too large for memory.
  std::unique_ptr<StagedFile> text_;
  IntWidth id_width_;
  IntWidth length_width_;
  std::string data_;     // Bytes not yet written: magic and ids, at last lengths and weights.
  std::string lengths_;  // Packed.
  std::vector<float> weights_;  // Empty: all are 1.
  uint64_t text_bytes_ = 0;
  uint64_t num_pairs_ = 0;
  std::vector<uint32_t> block_checksums_;
  uint64_t num_ids_ = 0;
  Crc32 checksum_;
};

/// Reads a corpus cache. Throws a Failure that names the file if anything is wrong with it.
class CorpusCacheFile {
 public:
  /// Checks everything but ids, lengths, weights and text: trailer, sizes and origin.
  explicit CorpusCacheFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const CorpusOrigin& origin() const { return origin_; }
  const CorpusCounts& counts() const { return counts_; }
  /// TokenizedCorpus::checksum() of the corpus that was written.
  uint32_t checksum() const { return checksum_; }
  int64_t bytes() const { return static_cast<int64_t>(file_.bytes().size()); }

  /// Checks ids, lengths, weights and text against their checksums, on `num_threads` threads.
  void Verify(int num_threads) const;

  /// The ids, in the mapped file.
  PackedInts ids() const { return {file_.bytes().subspan(kMagicSize, ids_bytes_), id_width_}; }
  /// A copy of the lengths' bytes.
  std::vector<char> ReadLengths() const;
  IntWidth length_width() const { return length_width_; }
  /// The weight of each pair; empty: all are 1.
  std::vector<float> ReadWeights() const;

  /// The text, in the mapped file; empty: none is kept.
  std::string_view text() const {
    return {file_.bytes().data() + data_bytes_ - text_bytes_, text_bytes_};
  }

  /// Copies a part of the text from the file, without mapping it. REQUIRES: it is within the text.
  void ReadText(uint64_t offset, std::span<char> part) const {
    file_.Read(data_bytes_ - text_bytes_ + offset, part);
  }

  /// See MappedFile::Release().
  void Release() const { file_.Release(); }

 private:
  static constexpr uint64_t kMagicSize = 8;

  void ReadTrailer();
  void VerifyBlock(uint64_t block, std::vector<char>* buffer) const;

  MappedFile file_;
  IntWidth id_width_ = IntWidth::kFour;
  IntWidth length_width_ = IntWidth::kFour;
  uint64_t ids_bytes_ = 0;
  uint64_t lengths_bytes_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t data_bytes_ = 0;  // Magic, ids, lengths, weights and text.
  std::vector<uint32_t> block_checksums_;
  CorpusOrigin origin_;
  CorpusCounts counts_;
  uint32_t checksum_ = 0;
};

}  // namespace wavemt
