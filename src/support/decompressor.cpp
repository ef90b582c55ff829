#include "support/decompressor.h"

#include <bzlib.h>
#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

namespace wavemt {
namespace {

std::string Damaged(std::string_view reason) {
  return fmt::format("the compressed data is damaged or cut short ({})", reason);
}

std::string TooMuchMemory(std::string_view program, std::string_view options) {
  return fmt::format(
      "unpacking it needs more than {} MiB of memory, which is the limit; unpack it with: "
      "{} -d {}",
      kMaxUnpackingMemory, program, options);
}

// The older libraries take pointers to non-const even for data that they only read.
template <typename Byte>
Byte* AsBytes(const char* bytes) {
  return reinterpret_cast<Byte*>(const_cast<char*>(bytes));
}

class GzipDecompressor : public Decompressor {
 public:
  GzipDecompressor() {
    constexpr int kGzipWrapper = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipWrapper) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecompressor() override { inflateEnd(&stream_); }
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;

  void BeginMember() override { inflateReset(&stream_); }

  Step Unpack(std::string_view* packed, std::span<char> room) override {
    stream_.next_in = AsBytes<Bytef>(packed->data());
    stream_.avail_in = static_cast<uInt>(packed->size());
    stream_.next_out = AsBytes<Bytef>(room.data());
    stream_.avail_out = static_cast<uInt>(room.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    packed->remove_prefix(packed->size() - stream_.avail_in);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    Step step{.made = room.size() - stream_.avail_out, .ended = code == Z_STREAM_END, .fault = {}};
    // Z_BUF_ERROR only means that more input is needed to make progress.
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      step.fault = Damaged(stream_.msg == nullptr ? "it needs a dictionary" : stream_.msg);
    }
    return step;
  }

 private:
  z_stream stream_{};
};

class ZstdDecompressor : public Decompressor {
 public:
  ZstdDecompressor() {
    constexpr int kLogOfMebibyte = 20;
    int log_of_window = kLogOfMebibyte;
    while ((1 << (log_of_window - kLogOfMebibyte)) < kMaxUnpackingMemory) ++log_of_window;
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, log_of_window);
  }

  void BeginMember() override { ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only); }

  Step Unpack(std::string_view* packed, std::span<char> room) override {
    ZSTD_inBuffer in{.src = packed->data(), .size = packed->size(), .pos = 0};
    ZSTD_outBuffer out{.dst = room.data(), .size = room.size(), .pos = 0};
    const size_t code = ZSTD_decompressStream(context_.get(), &out, &in);
    packed->remove_prefix(in.pos);
    Step step{.made = out.pos, .ended = code == 0, .fault = {}};
    if (ZSTD_isError(code) == 0) return step;
    switch (ZSTD_getErrorCode(code)) {
      case ZSTD_error_memory_allocation:
        throw std::bad_alloc();
      case ZSTD_error_frameParameter_windowTooLarge:
        step.fault = TooMuchMemory("zstd", "--long=31");
        break;
      default:
        step.fault = Damaged(ZSTD_getErrorName(code));
    }
    return step;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
};

class XzDecompressor : public Decompressor {
 public:
  XzDecompressor() { Begin(); }
  ~XzDecompressor() override { lzma_end(&stream_); }
  XzDecompressor(const XzDecompressor&) = delete;
  XzDecompressor& operator=(const XzDecompressor&) = delete;

  void BeginMember() override { Begin(); }

  Step Unpack(std::string_view* packed, std::span<char> room) override {
    stream_.next_in = AsBytes<uint8_t>(packed->data());
    stream_.avail_in = packed->size();
    stream_.next_out = AsBytes<uint8_t>(room.data());
    stream_.avail_out = room.size();
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    packed->remove_prefix(packed->size() - stream_.avail_in);
    return {.made = room.size() - stream_.avail_out,
            .ended = code == LZMA_STREAM_END,
            .fault = FaultOf(code)};
  }

 private:
  // LZMA_CONCATENATED would accept zeros after a stream as padding. They are more likely what a
  // power cut left of the next stream: current programs do not pad.
  void Begin() {
    constexpr uint64_t kMaxBytes = uint64_t{kMaxUnpackingMemory} << 20;
    const lzma_ret code = lzma_stream_decoder(&stream_, kMaxBytes, LZMA_TELL_UNSUPPORTED_CHECK);
    if (code != LZMA_OK) throw std::bad_alloc();
  }

  static std::string FaultOf(lzma_ret code) {
    switch (code) {
      case LZMA_OK:
      case LZMA_STREAM_END:
      case LZMA_BUF_ERROR:  // More input is needed to make progress.
        return "";
      case LZMA_MEM_ERROR:
        throw std::bad_alloc();
      case LZMA_MEMLIMIT_ERROR:
        return TooMuchMemory("xz", "--memlimit=0");
      case LZMA_UNSUPPORTED_CHECK:
        return Damaged("it has an unknown type of checksum");
      case LZMA_OPTIONS_ERROR:
        return Damaged("a header has unknown options");
      default:
        return Damaged("not xz data, or it does not match its checksum");
    }
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Bzip2Decompressor : public Decompressor {
 public:
  Bzip2Decompressor() { Begin(); }
  ~Bzip2Decompressor() override { BZ2_bzDecompressEnd(&stream_); }
  Bzip2Decompressor(const Bzip2Decompressor&) = delete;
  Bzip2Decompressor& operator=(const Bzip2Decompressor&) = delete;

  void BeginMember() override {
    BZ2_bzDecompressEnd(&stream_);
    Begin();
  }

  Step Unpack(std::string_view* packed, std::span<char> room) override {
    stream_.next_in = AsBytes<char>(packed->data());
    stream_.avail_in = static_cast<unsigned>(packed->size());
    stream_.next_out = room.data();
    stream_.avail_out = static_cast<unsigned>(room.size());
    const int code = BZ2_bzDecompress(&stream_);
    packed->remove_prefix(packed->size() - stream_.avail_in);
    if (code == BZ_MEM_ERROR) throw std::bad_alloc();
    Step step{.made = room.size() - stream_.avail_out, .ended = code == BZ_STREAM_END, .fault = {}};
    if (code != BZ_OK && code != BZ_STREAM_END) {
      step.fault = Damaged("not bzip2 data, or it does not match its checksum");
    }
    return step;
  }

 private:
  void Begin() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, /*verbosity=*/0, /*small=*/0) != BZ_OK) {
      throw std::bad_alloc();
    }
  }

  bz_stream stream_{};
};

template <typename T>
std::unique_ptr<Decompressor> Make() {
  return std::make_unique<T>();
}

constexpr CompressedFormat kGzip = {"gzip", ".gz", Make<GzipDecompressor>};
constexpr CompressedFormat kZstd = {"zstd", ".zst", Make<ZstdDecompressor>};
constexpr CompressedFormat kXz = {"xz", ".xz", Make<XzDecompressor>};
constexpr CompressedFormat kBzip2 = {"bzip2", ".bz2", Make<Bzip2Decompressor>};

// The bytes with which a member begins. At index `free_half`, the lower four bits are arbitrary.
struct Magic {
  const CompressedFormat* format;
  std::string_view bytes;
  size_t free_half = std::string_view::npos;

  bool Matches(std::string_view beginning) const {
    for (size_t i = 0; i < std::min(bytes.size(), beginning.size()); ++i) {
      const int mask = i == free_half ? 0xF0 : 0xFF;
      if (((bytes[i] ^ beginning[i]) & mask) != 0) return false;
    }
    return true;
  }
};

constexpr auto kMagics = std::to_array<Magic>({
    {&kGzip, "\x1F\x8B"},
    {&kZstd, "\x28\xB5\x2F\xFD"},
    // A skippable frame, such as pzstd writes before each data frame.
    {&kZstd, "\x50\x2A\x4D\x18", 0},
    {&kXz, {"\xFD\x37zXZ\0", 6}},
    // "BZh", the block size, and the magic number of the first block or of the end of the stream.
    // A shorter prefix could be the beginning of a text.
    {&kBzip2, "BZh0\x31\x41\x59\x26\x53\x59", 3},
    {&kBzip2, "BZh0\x17\x72\x45\x38\x50\x90", 3},
});
static_assert(std::ranges::all_of(kMagics, [](const Magic& magic) {
  return magic.bytes.size() <= kLongestMagic;
}));

}  // namespace

FormatGuess GuessFormat(std::string_view beginning) {
  FormatGuess guess;
  for (const Magic& magic : kMagics) {
    if (!magic.Matches(beginning)) continue;
    if (magic.bytes.size() <= beginning.size()) return {.format = magic.format};
    guess.may_become_one = true;
  }
  return guess;
}

const CompressedFormat* FormatOfTruncated(std::string_view beginning, std::string_view extension) {
  for (const Magic& magic : kMagics) {
    if (magic.format->extension == extension && magic.Matches(beginning)) return magic.format;
  }
  return nullptr;
}

const CompressedFormat* FormatOfExtension(std::string_view extension) {
  return FormatOfTruncated("", extension);
}

}  // namespace wavemt
