// Whatever bytes a damaged record holds: reading ends with an event or an error, and an event that
// was read is written and read again as the same one.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "core/event.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ks::Result<ks::Event> event = ks::EventFromJson(text);
  if (event.ok()) {
    const std::string written = ks::EventToJson(*event);
    const ks::Result<ks::Event> again = ks::EventFromJson(written);
    KS_CHECK(again.ok());
    KS_CHECK(ks::EventToJson(*again) == written);
  } else {
    KS_CHECK(event.error().code == ks::ErrorCode::kDataLoss);
    KS_CHECK(!event.error().message.empty());
  }
  const ks::Result<ks::Evaluation> evaluation = ks::EvaluationFromJson(text);
  KS_CHECK(evaluation.ok() || evaluation.error().code == ks::ErrorCode::kDataLoss);
  return 0;
}
