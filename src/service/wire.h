// The messages of the evaluation service as values, and their JSON: docs/service_api.md.
#ifndef KS_SERVICE_WIRE_H_
#define KS_SERVICE_WIRE_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/task.h"

namespace ks {

inline constexpr int kApiVersion = 1;  // changes when an old client could be misled
inline constexpr size_t kMaxBatch = 256;
inline constexpr size_t kMaxKernelSourceBytes = 1u << 20;
inline constexpr int kMaxPriority = 10;  // to -kMaxPriority

// What one evaluation is asked to be.
struct Submission {
  std::string task_ref;      // a library name or a hash; empty when `task` is given
  std::optional<Task> task;  // travels with the request
  std::string backend = "cpu";
  std::string device;         // empty: any of the backend
  EvaluationRequest request;  // without seen_binary
  EvaluationConfig config;
  int priority = 0;      // higher first
  double timeout_s = 0;  // from acceptance to the result; 0: none
  std::string repeat;    // asks the same question anew: part of the id
};

enum class EvaluationState { kQueued, kRunning, kFinished, kFailed, kCancelled, kExpired };
// "queued", "running", "finished", "failed", "cancelled", "expired".
const char* EvaluationStateName(EvaluationState state);
std::optional<EvaluationState> ParseEvaluationState(std::string_view name);
constexpr bool IsFinal(EvaluationState state) {
  return state != EvaluationState::kQueued && state != EvaluationState::kRunning;
}

// What has become of it.
struct EvaluationStatus {
  std::string id;
  EvaluationState state = EvaluationState::kQueued;
  std::string stage;  // kRunning: "compile", "lease" (waits for the device), "time"
  std::string task;
  std::string task_hash;
  std::string backend;
  std::string device;  // once it runs
  int priority = 0;
  int64_t position = -1;  // kQueued: how many are before it
  int64_t accepted_unix_ms = 0;
  int64_t finished_unix_ms = 0;  // 0: not yet
  int tries = 0;
  bool reused = false;          // answered from the cache of outcomes
  std::string evaluation_json;  // kFinished: EvaluationToJson
  std::string error;            // kFailed, kExpired: why
  ErrorCode error_code = ErrorCode::kInternal;
};

// A fault of the request or of the server, as it is answered.
struct ApiError {
  int status = 500;
  std::string code;  // stable: "unknown_task", "queue_full", ...
  std::string message;
  int retry_after_s = 0;  // 0: not worth it
};

nlohmann::json SubmissionToJson(const Submission& submission);
// ERRORS: kInvalidArgument with the field and what was expected.
Result<Submission> SubmissionFromJson(const nlohmann::json& json, const std::string& path);

// Equal questions have equal ids, whatever their priority and deadline. `device_ids`: what decides
// timings and code on the devices it may run on. 32 hexadecimal digits.
std::string EvaluationId(const Submission& submission, const std::string& task_hash,
                         const std::vector<std::string>& device_ids);
bool IsEvaluationId(std::string_view text);

std::string StatusToJson(const EvaluationStatus& status);
// ERRORS: kDataLoss: not such an answer.
Result<EvaluationStatus> StatusFromJson(const nlohmann::json& json);

std::string ApiErrorToJson(const ApiError& error);
// What an answer with an error status says; a made-up code when it is not one of ours.
ApiError ApiErrorFromJson(int status, std::string_view body);

// Parses without exceptions. ERRORS: kInvalidArgument with the byte where it went wrong.
Result<nlohmann::json> ParseJson(std::string_view text);

}  // namespace ks

#endif  // KS_SERVICE_WIRE_H_
