#include "training/tensorboard_writer.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "support/files.h"
#include "training/protobuf.h"

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
std::string RawBytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Field numbers of the message Event.
constexpr int kWallTime = 1;
constexpr int kStep = 2;
constexpr int kFileVersion = 3;
constexpr int kSummary = 5;
constexpr int kSessionLog = 7;

std::string Event(int64_t step, const std::string& what) {
  return protobuf::Double(kWallTime, WallTime()) +
         protobuf::Varint(kStep, static_cast<uint64_t>(step)) + what;
}

// Readers take the files in alphabetical order. Whole seconds would not order the files of a run
// that is stopped and resumed within a second.
std::string FileName() {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  return fmt::format("events.out.tfevents.{:.6f}.{}.{}", WallTime(), host, getpid());
}

}  // namespace

double WallTime() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& directory, int64_t last_step)
    : file_(directory / FileName(), [directory] { MakeDirectories(directory); }) {
  WriteRecord(Event(0, protobuf::Bytes(kFileVersion, "brain.Event:2")));
  if (last_step > 0) {
    constexpr int kStatus = 1;
    constexpr uint64_t kStart = 1;
    WriteRecord(
        Event(last_step + 1, protobuf::Bytes(kSessionLog, protobuf::Varint(kStatus, kStart))));
  }
}

void TensorboardWriter::Write(int64_t step, std::string_view summary) {
  WriteRecord(Event(step, protobuf::Bytes(kSummary, summary)));
}

void TensorboardWriter::WriteRecord(const std::string& event) {
  const std::string length = RawBytes(static_cast<uint64_t>(event.size()));
  file_.Append(length + RawBytes(MaskedCrc(length)) + event + RawBytes(MaskedCrc(event)));
}

}  // namespace wavemt
