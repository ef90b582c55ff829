#include "training/tensorboard_writer.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "support/files.h"

namespace wavemt {
namespace {

// CRC-32C (Castagnoli), which the format requires and zlib does not provide.
uint32_t Crc32c(std::string_view data) {
  static const auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < table.size(); ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
      table[i] = value;
    }
    return table;
  }();
  uint32_t crc = ~0U;
  for (const char c : data) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xFFU];
  return ~crc;
}

// The mask of the TFRecord format: computing the CRC of data that contains CRCs is problematic.
uint32_t MaskedCrc(std::string_view data) {
  const uint32_t crc = Crc32c(data);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

template <typename T>
std::string Bytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Protocol buffer wire format: a varint, and the field types needed here.
std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string VarintField(int number, uint64_t value) {
  return Varint(static_cast<uint64_t>(number) << 3) + Varint(value);
}
std::string DoubleField(int number, double value) {
  return Varint((static_cast<uint64_t>(number) << 3) | 1) + Bytes(value);
}
std::string BytesField(int number, std::string_view value) {
  return Varint((static_cast<uint64_t>(number) << 3) | 2) + Varint(value.size()) +
         std::string(value);
}
std::string FloatField(int number, float value) {
  return Varint((static_cast<uint64_t>(number) << 3) | 5) + Bytes(value);
}

double WallTime() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// Field numbers of the message Event.
constexpr int kWallTime = 1;
constexpr int kStep = 2;
constexpr int kFileVersion = 3;
constexpr int kSummary = 5;
constexpr int kSessionLog = 7;

std::string Event(int64_t step, const std::string& what) {
  return DoubleField(kWallTime, WallTime()) + VarintField(kStep, static_cast<uint64_t>(step)) +
         what;
}

// Readers take the files in alphabetical order. Whole seconds would not order the files of a run
// that is stopped and resumed within a second.
std::string FileName() {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  return fmt::format("events.out.tfevents.{:.6f}.{}.{}", WallTime(), host, getpid());
}

}  // namespace

TensorboardWriter::TensorboardWriter(const std::filesystem::path& directory, int64_t last_step)
    : file_(directory / FileName(), [directory] { MakeDirectories(directory); }) {
  WriteRecord(Event(0, BytesField(kFileVersion, "brain.Event:2")));
  if (last_step > 0) {
    constexpr int kStatus = 1;
    constexpr uint64_t kStart = 1;
    WriteRecord(Event(last_step + 1, BytesField(kSessionLog, VarintField(kStatus, kStart))));
  }
}

void TensorboardWriter::Write(int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    constexpr int kValue = 1;
    constexpr int kTag = 1;
    constexpr int kSimpleValue = 2;
    summary += BytesField(
        kValue, BytesField(kTag, tag) + FloatField(kSimpleValue, static_cast<float>(value)));
  }
  WriteRecord(Event(step, BytesField(kSummary, summary)));
}

void TensorboardWriter::WriteRecord(const std::string& event) {
  const std::string length = Bytes(static_cast<uint64_t>(event.size()));
  file_.Append(length + Bytes(MaskedCrc(length)) + event + Bytes(MaskedCrc(event)));
}

}  // namespace wavemt
