#include "service/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/text.h"
#include "core/config_fields.h"
#include "service/json_reader.h"
#include "service/task_json.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr std::array kStateNames = {"queued", "running",   "finished",
                                    "failed", "cancelled", "expired"};
constexpr std::array kErrorCodes = {ErrorCode::kInvalidArgument,    ErrorCode::kNotFound,
                                    ErrorCode::kFailedPrecondition, ErrorCode::kUnavailable,
                                    ErrorCode::kResourceExhausted,  ErrorCode::kDataLoss,
                                    ErrorCode::kCancelled,          ErrorCode::kInternal};
constexpr double kMaxTimeoutSeconds = 7 * 24 * 3600;
constexpr double kMaxSpeedup = 1e9;
constexpr size_t kIdDigits = 32;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json RivalToJson(const Rival& rival) {
  return {{"source", rival.source},
          {"speedup",
           {{"low", rival.speedup.low}, {"mid", rival.speedup.mid}, {"high", rival.speedup.high}}},
          {"confirmed", rival.confirmed}};
}

void ReadRival(JsonReader& reader, const char* name, std::optional<Rival>& rival) {
  Rival read;
  const bool given = reader.Object(name, [&](JsonReader& one) {
    one.Text("source", read.source, kMaxKernelSourceBytes, true);
    read.speedup = {1, 1, 1};
    one.Object("speedup", [&](JsonReader& interval) {
      interval.Number("low", read.speedup.low, 0, kMaxSpeedup, true);
      interval.Number("mid", read.speedup.mid, 0, kMaxSpeedup, true);
      interval.Number("high", read.speedup.high, 0, kMaxSpeedup, true);
    });
    one.Flag("confirmed", read.confirmed);
  });
  if (given) rival = std::move(read);
}

std::vector<std::string> StageNames(const Stages& stages) {
  std::vector<std::string> names = {"compile"};
  if (stages.check) names.emplace_back("check");
  if (stages.time) names.emplace_back("time");
  if (stages.profile) names.emplace_back("profile");
  return names;
}

void ReadStages(JsonReader& reader, Stages& stages) {
  std::vector<std::string> names = StageNames(stages);
  reader.Texts("stages", names, 8, 20);
  stages = {true, false, false, false};
  for (const std::string& name : names) {
    if (name == "check") {
      stages.check = true;
    } else if (name == "time") {
      stages.time = true;
    } else if (name == "profile") {
      stages.profile = stages.time = true;
    } else if (name != "compile") {
      reader.Fail(reader.Path("stages"),
                  fmt::format("knows compile, check, time and profile, not '{}'", name));
    }
  }
}

template <typename Visit>
void VisitEvaluationFields(EvaluationConfig& config, Visit visit) {
  RunConfig run;
  run.evaluation = config;
  VisitConfigFields(run, [&](const ConfigField& field, auto& member) {
    using T = std::decay_t<decltype(member)>;
    if constexpr (std::is_arithmetic_v<T>) {
      if (std::string_view(field.table) == "evaluation") visit(field, member);
    }
  });
  config = run.evaluation;
}

Json ConfigToWire(EvaluationConfig config) {
  Json json = Json::object();
  VisitEvaluationFields(
      config, [&](const ConfigField& field, const auto& member) { json[field.name] = member; });
  return json;
}

void ReadTaskRef(JsonReader& reader, Submission& submission) {
  const Json* task = reader.Find("task", true);
  if (task == nullptr) return;
  if (task->is_string()) return reader.Text("task", submission.task_ref, 200, true);
  Result<Task> read = TaskFromJson(*task, reader.Path("task"));
  if (!read.ok()) return reader.FailWith(read.error().message);
  submission.task = *std::move(read);
}

// Unambiguous text for hashing.
void Add(std::string& text, std::string_view value) {
  text += fmt::format("{}:{};", value.size(), value);
}

void AddRival(std::string& text, const std::optional<Rival>& rival) {
  Add(text, rival ? Dump(RivalToJson(*rival)) : "");
}

}  // namespace

const char* EvaluationStateName(EvaluationState state) {
  return kStateNames[static_cast<size_t>(state)];
}

std::optional<EvaluationState> ParseEvaluationState(std::string_view name) {
  const auto found = std::find(kStateNames.begin(), kStateNames.end(), name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<EvaluationState>(found - kStateNames.begin());
}

Json SubmissionToJson(const Submission& submission) {
  const EvaluationRequest& request = submission.request;
  Json json = {{"task", submission.task ? TaskToJson(*submission.task) : Json(submission.task_ref)},
               {"backend", submission.backend},
               {"source", request.source},
               {"stages", StageNames(request.stages)},
               {"config", ConfigToWire(submission.config)},
               {"seed", request.seed},
               {"held_out", request.held_out},
               {"priority", submission.priority}};
  if (!submission.device.empty()) json["device"] = submission.device;
  if (!request.baseline_source.empty()) json["baseline_source"] = request.baseline_source;
  if (request.parent) json["parent"] = RivalToJson(*request.parent);
  if (request.champion) json["champion"] = RivalToJson(*request.champion);
  if (submission.timeout_s > 0) json["timeout_s"] = submission.timeout_s;
  if (!submission.repeat.empty()) json["repeat"] = submission.repeat;
  return json;
}

Result<Submission> SubmissionFromJson(const Json& json, const std::string& path) {
  Submission submission;
  EvaluationRequest& request = submission.request;
  JsonReader reader(json, path);
  ReadTaskRef(reader, submission);
  reader.Text("backend", submission.backend, 100);
  reader.Text("device", submission.device, 100);
  reader.Text("source", request.source, kMaxKernelSourceBytes, true);
  ReadStages(reader, request.stages);
  reader.Object("config", [&](JsonReader& config) {
    VisitEvaluationFields(submission.config, [&](const ConfigField& field, auto& member) {
      config.Number(field.name, member, field.low, field.high);
    });
  });
  ReadRival(reader, "parent", request.parent);
  ReadRival(reader, "champion", request.champion);
  reader.Text("baseline_source", request.baseline_source, kMaxKernelSourceBytes);
  reader.Number("seed", request.seed, 0, 18446744073709551615.0);
  reader.Flag("held_out", request.held_out);
  reader.Number("priority", submission.priority, -kMaxPriority, kMaxPriority);
  reader.Number("timeout_s", submission.timeout_s, 0, kMaxTimeoutSeconds);
  reader.Text("repeat", submission.repeat, 100);
  KS_RETURN_IF_ERROR(reader.Finish());
  return submission;
}

std::string EvaluationId(const Submission& submission, const std::string& task_hash,
                         const std::vector<std::string>& device_ids) {
  const EvaluationRequest& request = submission.request;
  std::string text = fmt::format("ksmith evaluation {};", kApiVersion);
  Add(text, task_hash);
  Add(text, submission.backend);
  Add(text, submission.device);
  Add(text, Join(device_ids, ","));
  Add(text, request.source);
  Add(text, Join(StageNames(request.stages), ","));
  Add(text, Dump(ConfigToWire(submission.config)));
  Add(text, submission.repeat);
  if (request.stages.time) {  // what a speed-up is relative to
    Add(text, request.baseline_source);
    AddRival(text, request.parent);
    AddRival(text, request.champion);
    Add(text, request.held_out ? "held_out" : "");
  }
  return Sha256Hex(text).substr(0, kIdDigits);
}

bool IsEvaluationId(std::string_view text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string StatusToJson(const EvaluationStatus& status) {
  Json json = {{"id", status.id},
               {"state", EvaluationStateName(status.state)},
               {"stage", nullptr},
               {"task", status.task},
               {"task_hash", status.task_hash},
               {"backend", status.backend},
               {"device", nullptr},
               {"priority", status.priority},
               {"position", nullptr},
               {"accepted_unix_ms", status.accepted_unix_ms},
               {"finished_unix_ms", nullptr},
               {"tries", status.tries},
               {"reused", status.reused},
               {"error", nullptr}};
  if (!status.stage.empty()) json["stage"] = status.stage;
  if (!status.device.empty()) json["device"] = status.device;
  if (status.position >= 0) json["position"] = status.position;
  if (status.finished_unix_ms > 0) json["finished_unix_ms"] = status.finished_unix_ms;
  if (!status.error.empty()) {
    json["error"] = {{"code", ErrorCodeName(status.error_code)}, {"message", status.error}};
  }
  // The stored text as it is: parsing and writing it again would only cost time.
  std::string text = Dump(json);
  text.pop_back();
  return text +
         ",\"evaluation\":" + (status.evaluation_json.empty() ? "null" : status.evaluation_json) +
         "}";
}

Result<EvaluationStatus> StatusFromJson(const Json& json) {
  EvaluationStatus status;
  const auto text = [&](const char* name, std::string& value) {
    const auto it = json.find(name);
    if (it != json.end() && it->is_string()) value = it->get<std::string>();
  };
  if (!json.is_object()) return Error{ErrorCode::kDataLoss, "the answer is no JSON object"};
  std::string state;
  text("id", status.id);
  text("state", state);
  text("stage", status.stage);
  text("task", status.task);
  text("task_hash", status.task_hash);
  text("backend", status.backend);
  text("device", status.device);
  const std::optional<EvaluationState> known = ParseEvaluationState(state);
  if (!known || !IsEvaluationId(status.id)) {
    return Error{ErrorCode::kDataLoss, "the answer is no status of an evaluation"};
  }
  status.state = *known;
  if (const auto it = json.find("reused"); it != json.end() && it->is_boolean()) {
    status.reused = it->get<bool>();
  }
  if (const auto it = json.find("evaluation"); it != json.end() && it->is_object()) {
    status.evaluation_json = it->dump();
  }
  if (const auto it = json.find("error"); it != json.end() && it->is_object()) {
    status.error = it->value("message", "");
    const std::string code = it->value("code", "");
    for (const ErrorCode one : kErrorCodes) {
      if (code == ErrorCodeName(one)) status.error_code = one;
    }
  }
  return status;
}

std::string ApiErrorToJson(const ApiError& error) {
  return Dump({{"error", {{"code", error.code}, {"message", error.message}}}});
}

ApiError ApiErrorFromJson(int status, std::string_view body) {
  ApiError error{status, "http_" + std::to_string(status), Shorten(body, 200), 0};
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("error") || !json["error"].is_object()) return error;
  for (const auto& [name, member] : {std::pair{"code", &error.code}, {"message", &error.message}}) {
    const auto it = json["error"].find(name);
    if (it != json["error"].end() && it->is_string()) *member = it->get<std::string>();
  }
  return error;
}

Result<Json> ParseJson(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view what = error.what();
    if (const size_t end = what.find("] "); end != what.npos) what.remove_prefix(end + 2);
    return Error{ErrorCode::kInvalidArgument, fmt::format("not JSON: {}", Shorten(what, 300))};
  }
}

}  // namespace ks
