#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/special_tokens.h"

namespace wavemt {

/// A table of pieces and ids that stands beside SentencePiece models, as in models of Marian: both
/// sides cut text into pieces with a model of their own, but the ids are those of this table. It
/// may lack pieces of the models, which are then unknown, and hold others, for example language
/// codes.
///
/// The file is a JSON object, {"</s>": 0, "<unk>": 1, ..., "<pad>": 8000}. Its ids are 0, 1, 2 and
/// so on, each once. <pad> takes the role of <s>.
class Vocabulary {
 public:
  /// Throws a usage error that names the file and the entry if it is not such an object.
  static std::shared_ptr<const Vocabulary> FromFile(const std::filesystem::path& path);
  /// The same for the contents of a file; messages begin with `origin`.
  static std::shared_ptr<const Vocabulary> FromBytes(std::string bytes, std::string_view origin);

  /// Nothing if the table lacks the piece.
  std::optional<int32_t> Find(std::string_view piece) const;
  /// REQUIRES: 0 <= id < size()
  const std::string& Piece(int32_t id) const { return pieces_[static_cast<size_t>(id)]; }
  int64_t size() const { return static_cast<int64_t>(pieces_.size()); }
  const SpecialTokens& special() const { return special_; }
  /// The file's contents.
  const std::string& bytes() const { return bytes_; }

 private:
  Vocabulary(std::string bytes, std::string_view origin);

  std::string bytes_;
  std::vector<std::string> pieces_;  // By id.
  std::unordered_map<std::string, int32_t> ids_;
  SpecialTokens special_;
};

/// The file of a table in which piece i has the id i. REQUIRES: no piece occurs twice.
std::string VocabularyText(const std::vector<std::string>& pieces);

}  // namespace wavemt
