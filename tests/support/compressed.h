#pragma once

#include <bzlib.h>
#include <lzma.h>
#include <zstd.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gzip.h"

namespace wavemt {

// `bytes` as one zstd frame; with `log_of_window`, one that requires a window of that size.
inline std::string Zstd(std::string_view bytes, bool checksum = true, int log_of_window = 0) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, checksum ? 1 : 0);
  // A frame whose header gives its content size would use that as the window.
  if (log_of_window > 0) ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
  packed.resize(size);
  if (log_of_window > 0) packed[5] = static_cast<char>((log_of_window - 10) << 3);
  return packed;
}

// A skippable zstd frame, which holds application data instead of text.
inline std::string SkippableZstd(std::string_view bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  std::string frame = "\x5A\x2A\x4D\x18";
  for (int i = 0; i < 4; ++i) frame += static_cast<char>(size >> (8 * i));
  return frame.append(bytes);
}

// `bytes` as one xz stream.
inline std::string Xz(std::string_view bytes, lzma_check check = LZMA_CHECK_CRC64) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 0);
  options.dict_size = LZMA_DICT_SIZE_MIN;
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::string packed(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t size = 0;
  const lzma_ret code = lzma_stream_buffer_encode(
      filters, check, nullptr, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
      reinterpret_cast<uint8_t*>(packed.data()), &size, packed.size());
  if (code != LZMA_OK) throw std::runtime_error("lzma_stream_buffer_encode failed");
  packed.resize(size);
  return packed;
}

// `bytes` as one bzip2 stream.
inline std::string Bzip2(std::string_view bytes) {
  std::string packed(bytes.size() + bytes.size() / 100 + 600, '\0');
  auto size = static_cast<unsigned>(packed.size());
  const int code = BZ2_bzBuffToBuffCompress(packed.data(), &size, const_cast<char*>(bytes.data()),
                                            static_cast<unsigned>(bytes.size()), 1, 0, 0);
  if (code != BZ_OK) throw std::runtime_error("BZ2_bzBuffToBuffCompress failed");
  packed.resize(size);
  return packed;
}

// A format and a function that compresses in it.
struct Packer {
  std::string name;
  std::string extension;
  std::string (*pack)(std::string_view);
};

inline const Packer kPackers[] = {
    {"gzip", ".gz", [](std::string_view bytes) { return Gzip(bytes); }},
    {"zstd", ".zst", [](std::string_view bytes) { return Zstd(bytes); }},
    {"xz", ".xz", [](std::string_view bytes) { return Xz(bytes); }},
    {"bzip2", ".bz2", [](std::string_view bytes) { return Bzip2(bytes); }},
};

}  // namespace wavemt
