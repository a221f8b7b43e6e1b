// Whatever bytes a client sends: reading them ends with a request or an error, a request's parts
// are as they should be, and its body is refused or understood as a submission that is written and
// read again as the same one.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "net/http.h"
#include "service/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const ks::HttpLimits limits{.header_bytes = 4096, .body_bytes = 1 << 16};
  const ks::Result<ks::HttpRequest> request = ks::ParseHttpRequest(bytes, limits);
  if (request.ok()) {
    KS_CHECK(!request->path.empty() && request->path.front() == '/');
    KS_CHECK(request->path.find('\0') == std::string::npos);
    KS_CHECK(request->body.size() <= limits.body_bytes);
  } else {
    KS_CHECK(!request.error().message.empty());
  }
  const std::string& body = request.ok() ? request->body : bytes;
  const ks::Result<nlohmann::json> json = ks::ParseJson(body);
  if (!json.ok()) return 0;
  const ks::Result<ks::Submission> submission = ks::SubmissionFromJson(*json, "");
  if (!submission.ok()) {
    KS_CHECK(submission.error().code == ks::ErrorCode::kInvalidArgument);
    return 0;
  }
  const nlohmann::json written = ks::SubmissionToJson(*submission);
  const ks::Result<ks::Submission> again = ks::SubmissionFromJson(written, "");
  KS_CHECK(again.ok());
  KS_CHECK(ks::SubmissionToJson(*again) == written);
  return 0;
}
