#include "workflow/vocabulary_transfer.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wavemt {
namespace {

constexpr std::string_view kSpace = "\u2581";

// The id in `from` of the special piece that has the role of `id` in `to`.
std::optional<int32_t> SpecialOf(const Tokenizer& from, const Tokenizer& to, int32_t id) {
  const SpecialTokens& before = from.special();
  const SpecialTokens& now = to.special();
  const std::pair<int32_t, int32_t> roles[] = {
      {now.eos, before.eos}, {now.unk, before.unk}, {now.bos, before.bos}, {now.pad, before.pad}};
  for (const auto& [new_id, old_id] : roles) {
    if (id == new_id) return old_id;
  }
  return std::nullopt;
}

// Whether a piece stands for one byte: "<0xE4>".
bool IsByte(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece.ends_with('>');
}

// The ids in `from` of the pieces that spell a piece of another vocabulary. None if nothing does,
// as for a byte, which is seldom a whole character.
std::vector<int32_t> Parts(const Tokenizer& from, const std::string& piece) {
  if (IsByte(piece)) return {};
  std::string text;
  for (std::string_view rest = piece; !rest.empty();) {
    const bool is_space = rest.starts_with(kSpace);
    text += is_space ? ' ' : rest.front();
    rest.remove_prefix(is_space ? kSpace.size() : 1);
  }
  std::vector<int32_t> parts = from.Encode(text);
  // SentencePiece begins every text with a space, which this piece does not have.
  if (!piece.starts_with(kSpace) && parts.size() > 1 && from.PieceOf(parts.front()) == kSpace) {
    parts.erase(parts.begin());
  }
  return parts;
}

}  // namespace

TransferredRows TransferRows(const torch::Tensor& rows, const Tokenizer& from,
                             const Tokenizer& to) {
  TransferredRows transferred;
  std::vector<torch::Tensor> new_rows;
  const torch::Tensor mean_of_all = rows.mean(0);
  for (int32_t id = 0; id < to.vocab_size(); ++id) {
    const std::string piece = to.PieceOf(id);
    std::optional<int32_t> same = SpecialOf(from, to, id);
    if (!same) same = from.FindPiece(piece);
    if (same) {
      new_rows.push_back(rows[*same]);
      ++transferred.kept;
      continue;
    }
    const std::vector<int32_t> parts = Parts(from, piece);
    const torch::Tensor ids =
        torch::tensor(std::vector<int64_t>(parts.begin(), parts.end()), torch::kLong);
    new_rows.push_back(parts.empty() ? mean_of_all : rows.index_select(0, ids).mean(0));
    ++transferred.from_parts;
  }
  transferred.rows = torch::stack(new_rows);
  return transferred;
}

}  // namespace wavemt
