#include "data/vocabulary.h"

#include <limits>
#include <utility>

#include "support/error.h"
#include "support/files.h"
#include "support/json.h"

namespace wavemt {
namespace {

using Ids = std::unordered_map<std::string, int32_t>;

// Larger than the table of any model.
constexpr size_t kLargestVocabulary = size_t{64} << 20;

// Reads the object entry by entry: a table has more keys than ParseJson() takes.
class VocabularyEvents : public JsonEvents {
 public:
  explicit VocabularyEvents(std::string_view origin) : origin_(origin) {}

  Ids Take() { return std::move(ids_); }

  bool start_object(std::size_t) override {
    if (inside_) throw Unexpected();
    inside_ = true;
    return true;
  }

  bool key(string_t& text) override {
    piece_ = std::move(text);
    if (piece_.find('\0') != std::string::npos) {
      throw UsageError("{}: the piece {} holds a NUL byte", origin_, QuoteJson(piece_));
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t id) override {
    if (!inside_ || id > std::numeric_limits<int32_t>::max()) throw Unexpected();
    if (!ids_.emplace(piece_, static_cast<int32_t>(id)).second) {
      throw UsageError("{}: the piece {} appears twice", origin_, QuoteJson(piece_));
    }
    return true;
  }

 private:
  Error Unexpected() const override {
    return inside_ ? UsageError("{}: the id of {} is not a whole number from 0 to {}", origin_,
                                QuoteJson(piece_), std::numeric_limits<int32_t>::max())
                   : UsageError("{}: is not a vocabulary, an object of pieces and ids {{...}}",
                                origin_);
  }

  std::string_view origin_;
  bool inside_ = false;
  std::string piece_;
  Ids ids_;
};

}  // namespace

std::shared_ptr<const Vocabulary> Vocabulary::FromFile(const std::filesystem::path& path) {
  return FromBytes(ReadFile(path, kLargestVocabulary), path.string());
}

std::shared_ptr<const Vocabulary> Vocabulary::FromBytes(std::string bytes,
                                                        std::string_view origin) {
  return std::shared_ptr<const Vocabulary>(new Vocabulary(std::move(bytes), origin));
}

Vocabulary::Vocabulary(std::string bytes, std::string_view origin) : bytes_(std::move(bytes)) {
  VocabularyEvents events(origin);
  events.Parse(bytes_, origin);
  ids_ = events.Take();
  pieces_.resize(ids_.size());
  std::vector<bool> seen(ids_.size());
  for (const auto& [piece, id] : ids_) {
    const auto index = static_cast<size_t>(id);
    if (index >= ids_.size() || seen[index]) {
      throw UsageError(
          "{}: its {} pieces need the ids 0 to {}, each once, but {} has {}", origin, ids_.size(),
          ids_.size() - 1, QuoteJson(piece),
          index < ids_.size() ? fmt::format("{}, as another one", id) : fmt::format("{}", id));
    }
    seen[index] = true;
    pieces_[index] = piece;
  }
  const auto require = [&](const char* piece) {
    const auto id = Find(piece);
    if (!id) throw UsageError("{}: lacks the piece {}", origin, piece);
    return *id;
  };
  special_ = {.pad = require("<pad>"), .unk = require("<unk>"), .eos = require("</s>")};
  special_.bos = special_.pad;
}

std::optional<int32_t> Vocabulary::Find(std::string_view piece) const {
  const auto found = ids_.find(std::string(piece));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::string VocabularyText(const std::vector<std::string>& pieces) {
  std::string text = "{\n";
  for (size_t id = 0; id < pieces.size(); ++id) {
    text += fmt::format("  {}: {}{}\n",
                        Json(pieces[id]).dump(-1, ' ', false, Json::error_handler_t::replace), id,
                        id + 1 < pieces.size() ? "," : "");
  }
  return text + "}\n";
}

}  // namespace wavemt
