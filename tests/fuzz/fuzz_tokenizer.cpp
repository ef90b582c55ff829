// Fuzzes loading and using untrusted SentencePiece models.
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../data/synthetic_text.h"
#include "data/tokenizer.h"
#include "data/tokenizer_trainer.h"
#include "fuzz_main.h"
#include "support/error.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

// One model for each variant that differs in its file's contents.
std::vector<std::string> TrainModels() {
  std::vector<std::string> models;
  for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    for (const Normalization normalization : {Normalization::kIdentity, Normalization::kNfkc}) {
      TokenizerConfig config;
      config.type = type;
      config.normalization = normalization;
      config.byte_fallback = normalization == Normalization::kNfkc;
      config.vocab_size = config.byte_fallback ? 320 : 60;
      models.push_back(TrainTokenizer(config, SyntheticSentences(300)));
    }
  }
  return models;
}

// The offset of the table of character replacements, the bulk of a model that has one.
size_t TableOf(std::string_view model) {
  const size_t name = model.find("nfkc");
  return name == std::string_view::npos ? 0 : name;
}

// Changes random entries of the table, which are four-byte numbers.
void DamageTable(Random& random, std::string* model) {
  const size_t table = TableOf(*model);
  for (size_t times = 1 + random.Below(8); times > 0; --times) {
    const size_t offset = table + random.Below(random.OneIn(2) ? 2000 : model->size() - table);
    if (offset + 4 > model->size()) continue;
    const auto unit = static_cast<uint32_t>(random.Next() >> random.Below(64));
    std::memcpy(model->data() + offset, &unit, sizeof(unit));
  }
}

std::string MakeModel(Random& random) {
  static const std::vector<std::string> models = TrainModels();
  std::string model = random.Choose<std::string>(models);
  if (random.OneIn(200)) return model;
  if (random.OneIn(3)) DamageTable(random, &model);
  // In a model with a table, random damage would rarely hit the pieces and settings.
  const size_t table = TableOf(model);
  if (table > 0 && random.OneIn(2)) {
    std::string pieces = model.substr(0, table);
    Damage(random, &pieces);
    return pieces + model.substr(table);
  }
  Damage(random, &model);
  return model;
}

void ReadInput(const std::string& model) {
  const auto tokenizer = Tokenizer::FromBytes(model, "fuzz");
  const auto vocabulary = static_cast<int32_t>(tokenizer->vocab_size());
  for (const std::string_view text : {"kalo mi sune", "  ﬁ Å 波は、「高い」！ \xF0\x9F\x8C\x8A",
                                      "\xE2\x96\x81 \xE2\x80\xA8<0x41></s>"}) {
    try {
      const std::vector<int32_t> ids = tokenizer->Encode(text);
      for (const int32_t id : ids) Require(id >= 0 && id < vocabulary, "an id is out of range");
      Require(!FindInvalidUtf8(tokenizer->Decode(ids)), "a translation is not UTF-8");
      tokenizer->EncodePieces(text);
    } catch (const Error&) {  // A model may be unusable, as long as it is reported.
    }
  }
  std::vector<int32_t> all;
  for (int32_t id = 0; id < vocabulary; ++id) all.push_back(id);
  Require(!FindInvalidUtf8(tokenizer->Decode(all)), "a translation is not UTF-8");
  const SpecialTokens& special = tokenizer->special();
  for (const int32_t id : {special.pad, special.unk, special.bos, special.eos}) {
    Require(id >= 0 && id < vocabulary, "a special piece is out of range");
  }
}

}  // namespace
}  // namespace wavemt

int main(int argc, char** argv) {
  return wavemt::FuzzMain(
      argc, argv, {.name = "tokenizer", .make = wavemt::MakeModel, .read = wavemt::ReadInput});
}
