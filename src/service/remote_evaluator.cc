#include "service/remote_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "core/event.h"
#include "service/task_json.h"

namespace ks {
namespace {

using Json = nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr double kMaxPauseSeconds = 2;
constexpr double kMaxRetryAfterSeconds = 30;
constexpr double kAnswerSeconds = 30;  // beyond what a long poll waits
constexpr double kCancelSeconds = 2;
constexpr double kEarlySeconds = 0.2;
constexpr int kMaxResubmits = 3;  // after somebody else cancelled it

// False when `stop` came first.
bool Pause(double seconds, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

Error Stopped() { return {ErrorCode::kCancelled, "stopped"}; }

}  // namespace

// How long the service has been out of reach, and how long to wait before the next try.
class RemoteEvaluator::Patience {
 public:
  explicit Patience(const RemoteOptions& options)
      : options_(options), pause_s_(options.first_pause_s) {}

  void Answered() {
    failing_since_.reset();
    pause_s_ = options_.first_pause_s;
  }
  // Seconds to wait; empty: it has been too long.
  std::optional<double> Failed() {
    const auto now = SteadyClock::now();
    if (!failing_since_) failing_since_ = now;
    const double failing_s = std::chrono::duration<double>(now - *failing_since_).count();
    if (failing_s >= options_.give_up_s) return std::nullopt;
    const double pause = pause_s_;
    pause_s_ = std::min(kMaxPauseSeconds, 2 * pause_s_);
    return pause;
  }

 private:
  const RemoteOptions& options_;
  double pause_s_;
  std::optional<SteadyClock::time_point> failing_since_;
};

RemoteEvaluator::RemoteEvaluator(const Task& task, const EvaluationConfig& config,
                                 RemoteOptions options, std::unique_ptr<HttpClient> client)
    : task_(task), config_(config), options_(std::move(options)), client_(std::move(client)) {}

Result<std::unique_ptr<RemoteEvaluator>> RemoteEvaluator::Connect(const Task& task,
                                                                  const EvaluationConfig& config,
                                                                  const RemoteOptions& options,
                                                                  std::stop_token stop) {
  HttpClientOptions client_options;
  client_options.ca_file = options.ca_file;
  KS_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> client,
                      HttpClient::Create(options.url, client_options));
  auto evaluator = std::unique_ptr<RemoteEvaluator>(  // private constructor
      new RemoteEvaluator(task, config, options, std::move(client)));
  KS_RETURN_IF_ERROR(evaluator->Look(std::move(stop)));
  return evaluator;
}

Status RemoteEvaluator::Look(std::stop_token stop) {
  const auto unreachable = [&](const Error& error) {
    return Error{error.code, fmt::format("the evaluation service at {} is out of reach ({}); is "
                                         "'ksmith serve' running there?",
                                         options_.url, error.message)};
  };
  Result<HttpResponse> health = Send({.target = "/health"}, stop);
  if (!health.ok()) {
    return health.error().code == ErrorCode::kUnavailable ? unreachable(health.error())
                                                          : health.error();
  }
  const Json about = Json::parse(health->body, nullptr, false);
  if (health->status != 200 || !about.is_object() || !about.contains("api") ||
      !about["api"].is_number_integer()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} is no kernelsmith evaluation service (it answered {})",
                             options_.url, health->status)};
  }
  if (about["api"] != kApiVersion) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} speaks version {} of the API, this ksmith version {}: update the "
                             "older one",
                             options_.url, about["api"].dump(), kApiVersion)};
  }
  KS_ASSIGN_OR_RETURN(const HttpResponse devices, Send({.target = "/devices"}, stop));
  if (devices.status != 200) return Refused(devices);
  const Json list = Json::parse(devices.body, nullptr, false);
  std::vector<std::string> backends;
  for (const Json& device : list.is_object() ? list.value("devices", Json::array()) : Json()) {
    if (!device.is_object()) continue;
    const std::string backend = device.value("backend", "");
    if (backend == options_.backend && device.contains("machine")) {
      KS_ASSIGN_OR_RETURN(machine_, MachineFromJson(device["machine"].dump()));
      const bool on_gpu = machine_.device && !machine_.device->is_cpu;
      visible_ = ForDeviceClass(task_, on_gpu ? "gpu" : "cpu");
      return {};
    }
    if (std::find(backends.begin(), backends.end(), backend) == backends.end()) {
      backends.push_back(backend);
    }
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} does not serve backend '{}' (it serves: {})", options_.url,
                           options_.backend, Join(backends, ", "))};
}

Result<HttpResponse> RemoteEvaluator::Send(HttpCall call, std::stop_token stop) {
  if (!options_.token.empty()) {
    call.headers.emplace_back("Authorization", "Bearer " + options_.token);
  }
  if (!call.body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  return client_->Send(call, std::move(stop));
}

Error RemoteEvaluator::Refused(const HttpResponse& response) const {
  const ApiError error = ApiErrorFromJson(response.status, response.body);
  if (response.status == 401) {
    return {ErrorCode::kInvalidArgument, fmt::format("{}: {}; give the right one with --token-file",
                                                     options_.url, error.message)};
  }
  const bool ours = response.status / 100 == 4;
  return {
      ours ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable,
      fmt::format("{} refused the evaluation: {} ({})", options_.url, error.message, error.code)};
}

Result<HttpResponse> RemoteEvaluator::Call(const HttpCall& call, Patience& patience,
                                           std::stop_token stop) {
  // A submission is not cut short: without its answer nobody could cancel what it began.
  const bool submits = call.method == "POST";
  for (;;) {
    Result<HttpResponse> response = Send(call, submits ? std::stop_token() : stop);
    if (stop.stop_requested() && !(submits && response.ok())) return Stopped();
    std::optional<double> pause;
    if (response.ok()) {
      if (response->status != 429 && response->status != 503) {
        patience.Answered();
        return response;
      }
      // It is there and asks for time: that is not being out of reach, unless it is going away.
      if (response->status == 429) patience.Answered();
      const auto wanted = ParseDouble(FindHeader(response->headers, "Retry-After"));
      pause = patience.Failed();
      if (pause && wanted && *wanted > 0) pause = std::min(*wanted, kMaxRetryAfterSeconds);
      if (!pause) return Refused(*response);
    } else {
      if (response.error().code != ErrorCode::kUnavailable) return response;
      pause = patience.Failed();
      if (!pause) {
        return response.error().Under(
            fmt::format("the evaluation service at {} has been out of reach for {} s", options_.url,
                        options_.give_up_s));
      }
    }
    if (!Pause(*pause, stop)) return Stopped();
  }
}

Result<EvaluationStatus> RemoteEvaluator::Post(const Submission& submission, Patience& patience,
                                               std::stop_token stop) {
  Json body = SubmissionToJson(submission);
  for (const bool with_task : {false, true}) {
    if (with_task) body["task"] = TaskToJson(task_);
    HttpCall call{.method = "POST",
                  .target = "/v1/evaluations",
                  .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
                  .timeout_s = kAnswerSeconds};
    KS_ASSIGN_OR_RETURN(const HttpResponse response, Call(call, patience, stop));
    if (response.status == 200 || response.status == 202) {
      return StatusFromJson(Json::parse(response.body, nullptr, false));
    }
    const bool unknown = response.status == 404 &&
                         ApiErrorFromJson(response.status, response.body).code == "unknown_task";
    if (!unknown || with_task) return Refused(response);
  }
  return Error{ErrorCode::kInternal, "not reached"};
}

void RemoteEvaluator::CancelQuietly(const std::string& id) {
  const Result<HttpResponse> ignored = Send(
      {.method = "DELETE", .target = "/v1/evaluations/" + id, .timeout_s = kCancelSeconds}, {});
  static_cast<void>(ignored.ok());  // it may be gone; the answer is not needed
}

Result<Evaluation> RemoteEvaluator::Ask(const Submission& submission, std::stop_token stop) {
  Patience patience(options_);
  std::optional<EvaluationStatus> status;
  for (int submits = 0;;) {
    if (!status) {
      KS_ASSIGN_OR_RETURN(status, Post(submission, patience, stop));
      if (stop.stop_requested() && !IsFinal(status->state)) {
        CancelQuietly(status->id);
        return Stopped();
      }
    }
    if (status->state == EvaluationState::kFinished) {
      return EvaluationFromJson(status->evaluation_json);
    }
    if (status->state == EvaluationState::kFailed) {
      return Error{status->error_code, status->error}.Under(options_.url);
    }
    if (IsFinal(status->state)) {  // somebody else cancelled the same question
      if (++submits >= kMaxResubmits) {
        return Error{ErrorCode::kUnavailable,
                     fmt::format("{}: the evaluation was {} there", options_.url,
                                 EvaluationStateName(status->state))};
      }
      status.reset();
      continue;
    }
    const HttpCall poll{
        .target = fmt::format("/v1/evaluations/{}?wait={}", status->id, options_.poll_s),
        .timeout_s = options_.poll_s + kAnswerSeconds};
    const auto asked = SteadyClock::now();
    Result<HttpResponse> response = Call(poll, patience, stop);
    if (stop.stop_requested()) {
      CancelQuietly(status->id);
      return Stopped();
    }
    if (!response.ok()) return response.error();
    if (response->status == 404) {  // forgotten there
      if (++submits >= kMaxResubmits) return Refused(*response);
      status.reset();
      continue;
    }
    if (response->status != 200) return Refused(*response);
    KS_ASSIGN_OR_RETURN(status, StatusFromJson(Json::parse(response->body, nullptr, false)));
    // A service that shuts down does not let anybody wait.
    const double waited_s = std::chrono::duration<double>(SteadyClock::now() - asked).count();
    if (!IsFinal(status->state) && waited_s < options_.poll_s / 2) Pause(kEarlySeconds, stop);
  }
}

Result<Evaluation> RemoteEvaluator::Evaluate(const EvaluationRequest& request,
                                             std::stop_token stop) {
  Submission submission;
  submission.task_ref = task_.hash;
  submission.backend = options_.backend;
  submission.config = config_;
  submission.request = request;
  submission.request.seen_binary = nullptr;
  if (request.seen_binary && (request.stages.check || request.stages.time)) {
    // The question can only be answered here: compile there, ask, then go on. What was compiled is
    // kept there, so that this costs a round trip.
    Submission compile = submission;
    compile.request.stages = {true, false, false};
    KS_ASSIGN_OR_RETURN(Evaluation compiled, Ask(compile, stop));
    if (AsMeasured(compiled.outcome) == nullptr) return compiled;
    if (const std::optional<CandidateId> twin = request.seen_binary(compiled.binary_hash)) {
      compiled.outcome = DuplicateOf{*twin};
      return compiled;
    }
  }
  return Ask(submission, std::move(stop));
}

}  // namespace ks
