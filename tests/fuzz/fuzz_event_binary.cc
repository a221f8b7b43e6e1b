// Whatever bytes lie under a checksum that fits: reading ends with an event or an error, and an
// event that was read is written and read again as the same one.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/hash.h"
#include "core/event.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const uint64_t sum = ks::Checksum64(bytes);
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(sum >> (8 * i)));
  ks::Event event;
  const ks::Status read = ks::EventBodyFromBinary(bytes, event);
  if (read.ok()) {
    const std::string written = ks::EventBodyToBinary(event);
    ks::Event again;
    KS_CHECK(ks::EventBodyFromBinary(written, again).ok());
    KS_CHECK(ks::EventBodyToBinary(again) == written);
  } else {
    KS_CHECK(read.error().code == ks::ErrorCode::kDataLoss);
    KS_CHECK(!read.error().message.empty());
  }
  return 0;
}
