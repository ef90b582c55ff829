#include "support/png.h"

#include <zlib.h>

#include <new>

#include "support/checksum.h"

namespace wavemt {
namespace {

std::string PngNumber(uint64_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift);
  return bytes;
}

// The checksum covers the type of a chunk and its data, but not the length.
std::string PngChunk(std::string_view type, std::string_view data) {
  const std::string body = std::string(type).append(data);
  return PngNumber(data.size()) + body + PngNumber(Crc32Of(body).value());
}

std::string ZlibStream(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  const int code = compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                            reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (code != Z_OK) throw std::bad_alloc();  // The only reason left: there is room for the result.
  packed.resize(size);
  return packed;
}

}  // namespace

std::string EncodePng(int64_t width, int64_t height, std::string_view rgb) {
  // 8 bits a channel, RGB, and the only methods of compression, filtering and order that suit us.
  constexpr std::string_view kFormat("\x08\x02\x00\x00\x00", 5);
  // Differences between neighbours, as filters make them, pack worse: colours repeat exactly.
  constexpr char kNoFilter = '\0';
  const auto row_size = static_cast<size_t>(3 * width);
  std::string rows;
  rows.reserve(rgb.size() + static_cast<size_t>(height));
  for (size_t start = 0; start < rgb.size(); start += row_size) {
    rows += kNoFilter;
    rows += rgb.substr(start, row_size);
  }
  std::string header = PngNumber(static_cast<uint64_t>(width));
  header += PngNumber(static_cast<uint64_t>(height));
  header += kFormat;
  return "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", header) + PngChunk("IDAT", ZlibStream(rows)) +
         PngChunk("IEND", "");
}

}  // namespace wavemt
