#include "service/api.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "core/event.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr const char* kTextType = "text/plain; version=0.0.4; charset=utf-8";

HttpResponse JsonResponse(int status, std::string body) {
  return {status, "application/json", std::move(body), {}};
}

ApiError BadRequest(const std::string& message) { return {400, "bad_request", message, 0}; }

ApiError FromError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return {404, "not_found", error.message, 0};
    case ErrorCode::kInvalidArgument:
      return BadRequest(error.message);
    case ErrorCode::kUnavailable:
    case ErrorCode::kResourceExhausted:
      return {503, "unavailable", error.message, 5};
    default:
      return {500, "internal", error.message, 0};
  }
}

std::string EventText(const char* name, const EvaluationStatus& status) {
  return fmt::format("event: {}\ndata: {}\n\n", name, StatusToJson(status));
}

// One submission, or {"evaluations": [...]}.
struct Body {
  std::vector<Submission> submissions;
  bool batch = false;
};

Result<Body> ReadBody(const std::string& text) {
  KS_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  if (!json.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "the body must be a JSON object"};
  }
  Body body;
  const auto list = json.find("evaluations");
  if (list == json.end()) {
    KS_ASSIGN_OR_RETURN(Submission one, SubmissionFromJson(json, ""));
    body.submissions.push_back(std::move(one));
    return body;
  }
  body.batch = true;
  if (!list->is_array() || list->empty() || list->size() > kMaxBatch || json.size() != 1) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("a batch is an object with the one field evaluations, an array of 1 to "
                    "{} requests",
                    kMaxBatch)};
  }
  for (size_t i = 0; i < list->size(); ++i) {
    KS_ASSIGN_OR_RETURN(Submission one,
                        SubmissionFromJson((*list)[i], fmt::format("evaluations[{}]", i)));
    body.submissions.push_back(std::move(one));
  }
  return body;
}

// Seconds of ?wait=; an error when they are none.
Result<double> WaitOf(const HttpRequest& request) {
  const auto found = request.query.find("wait");
  if (found == request.query.end()) return 0.0;
  const std::optional<double> seconds = ParseDouble(found->second);
  if (!seconds || !(*seconds >= 0 && *seconds <= kMaxWaitSeconds)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("wait must be seconds from 0 to {}", kMaxWaitSeconds)};
  }
  return *seconds;
}

}  // namespace

struct ServiceApi::Call {
  Exchange exchange;
  std::string route = "other";  // for the metrics
  int64_t begin_ns = 0;
};

HttpResponse ErrorResponse(const ApiError& error) {
  HttpResponse response = JsonResponse(error.status, ApiErrorToJson(error));
  if (error.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  }
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

ServiceApi::ServiceApi(const ApiOptions& options, EvaluationService& service, const Clock& clock)
    : options_(options),
      service_(service),
      clock_(clock),
      start_ns_(clock.MonotonicNs()),
      rate_(options.rate_per_s, options.rate_burst),
      connections_([] { return size_t{0}; }) {}

HttpServerHooks ServiceApi::Hooks() {
  return {[this](const HttpRequest& head) { return Admit(head); },
          [this](Exchange exchange) { Handle(std::move(exchange)); },
          [](int status, const std::string& message) {
            const char* code = status == 413   ? "body_too_large"
                               : status == 431 ? "header_too_large"
                               : status == 400 ? "bad_request"
                               : status == 503 ? "overloaded"
                                               : "internal";
            return ErrorResponse({status, code, message, 0});
          }};
}

std::optional<HttpResponse> ServiceApi::Admit(const HttpRequest& head) {
  const auto refuse = [&](const ApiError& error) {
    metrics_.Count("refused", error.status, -1);
    return ErrorResponse(error);
  };
  if (!rate_.Take(head.peer, clock_.MonotonicNs())) {
    return refuse({429, "rate_limited",
                   fmt::format("more than {} requests a second", options_.rate_per_s), 1});
  }
  if (!options_.token.empty() && head.path != "/health") {
    std::string_view given = FindHeader(head.headers, "Authorization");
    const bool bearer = given.substr(0, 7) == "Bearer ";
    if (!bearer || !SameSecret(given.substr(7), options_.token)) {
      return refuse(
          {401, "unauthorized",
           bearer ? "the token is wrong" : "a token is needed: Authorization: Bearer TOKEN", 0});
    }
  }
  // A web page cannot send this type to us without asking first, which we never allow.
  if (head.method == "POST" &&
      FindHeader(head.headers, "Content-Type").substr(0, 16) != "application/json") {
    return refuse({415, "unsupported_type", "send Content-Type: application/json", 0});
  }
  return std::nullopt;
}

void ServiceApi::Handle(Exchange exchange) {
  auto call = std::make_shared<Call>();
  call->begin_ns = clock_.MonotonicNs();
  const std::string path = exchange->request().path;
  call->exchange = std::move(exchange);
  Route(call, path);
}

void ServiceApi::Route(const CallPtr& call, const std::string& path) {
  const HttpRequest& request = call->exchange->request();
  constexpr std::string_view kEvaluations = "/v1/evaluations";
  if (path.rfind(kEvaluations, 0) == 0 &&
      (path.size() == kEvaluations.size() || path[kEvaluations.size()] == '/')) {
    return RouteEvaluation(call, path.substr(kEvaluations.size()));
  }
  const bool known = path == "/health" || path == "/devices" || path == "/metrics" ||
                     path == "/openapi.json" || path == "/v1/tasks";
  if (!known) return Refuse(call, {404, "not_found", "no such route; see /openapi.json", 0});
  call->route = path;
  if (request.method != "GET") {
    return Refuse(call, {405, "method_not_allowed", "only GET is allowed here", 0});
  }
  if (path == "/health") return Health(call);
  if (path == "/devices") return Devices(call);
  if (path == "/openapi.json") return Reply(call, JsonResponse(200, OpenApiJson(options_.version)));
  if (path == "/v1/tasks") return Reply(call, JsonResponse(200, options_.tasks_json));
  const double uptime = static_cast<double>(clock_.MonotonicNs() - start_ns_) * 1e-9;
  Reply(call, {200,
               kTextType,
               MetricsText(service_.stats(), metrics_, {options_.version, uptime, connections_()}),
               {}});
}

void ServiceApi::RouteEvaluation(const CallPtr& call, std::string rest) {
  const std::string& method = call->exchange->request().method;
  if (rest.empty() || rest == "/") {
    call->route = "/v1/evaluations";
    if (method == "POST") return Submit(call);
    return Refuse(call, {405, "method_not_allowed", "only POST is allowed here", 0});
  }
  rest.erase(0, 1);
  const size_t slash = rest.find('/');
  const std::string id = rest.substr(0, slash);
  const std::string tail = slash == rest.npos ? "" : rest.substr(slash);
  if (!IsEvaluationId(id) || (!tail.empty() && tail != "/events")) {
    return Refuse(call, {404, "not_found", "no such evaluation or route", 0});
  }
  call->route = "/v1/evaluations/{id}" + tail;
  if (tail.empty() && method == "DELETE") return ReplyStatus(call, service_.Cancel(id));
  if (method != "GET") {
    return Refuse(
        call,
        {405, "method_not_allowed",
         tail.empty() ? "only GET and DELETE are allowed here" : "only GET is allowed here", 0});
  }
  tail.empty() ? Get(call, id) : Events(call, id);
}

void ServiceApi::Reply(const CallPtr& call, HttpResponse response, bool waited) {
  const double seconds = static_cast<double>(clock_.MonotonicNs() - call->begin_ns) * 1e-9;
  metrics_.Count(call->route, response.status, waited ? -1 : seconds);
  call->exchange->Reply(std::move(response));
}

void ServiceApi::Refuse(const CallPtr& call, const ApiError& error) {
  Reply(call, ErrorResponse(error));
}

void ServiceApi::ReplyStatus(const CallPtr& call, const Result<EvaluationStatus>& status,
                             bool waited) {
  if (!status.ok()) return Refuse(call, FromError(status.error()));
  Reply(call, JsonResponse(200, StatusToJson(*status)), waited);
}

void ServiceApi::Health(const CallPtr& call) {
  const ServiceStats stats = service_.stats();
  const double uptime = static_cast<double>(clock_.MonotonicNs() - start_ns_) * 1e-9;
  Reply(call, JsonResponse(200, Json({{"status", service_.draining() ? "draining" : "ok"},
                                      {"api", kApiVersion},
                                      {"version", options_.version},
                                      {"uptime_s", uptime},
                                      {"queued", stats.queued},
                                      {"running", stats.running}})
                                    .dump()));
}

void ServiceApi::Devices(const CallPtr& call) {
  const ServiceStats stats = service_.stats();
  Json list = Json::array();
  for (size_t i = 0; i < service_.devices().size(); ++i) {
    const ServedDevice& device = service_.devices()[i];
    list.push_back({{"id", device.id},
                    {"backend", device.backend},
                    {"busy", stats.devices[i].busy},
                    {"waiting", stats.devices[i].waiting},
                    {"machine", Json::parse(MachineToJson(device.machine), nullptr, false)}});
  }
  Reply(call, JsonResponse(200, Json({{"devices", list}}).dump()));
}

void ServiceApi::Submit(const CallPtr& call) {
  Result<Body> body = ReadBody(call->exchange->request().body);
  if (!body.ok()) return Refuse(call, FromError(body.error()));
  service_.Submit(std::move(body->submissions),
                  [this, call, batch = body->batch](
                      std::variant<std::vector<EvaluationStatus>, ApiError> result) {
                    if (const auto* error = std::get_if<ApiError>(&result))
                      return Refuse(call, *error);
                    const auto& statuses = std::get<std::vector<EvaluationStatus>>(result);
                    int code = 200;
                    std::string text;
                    for (const EvaluationStatus& status : statuses) {
                      if (!IsFinal(status.state)) code = 202;
                      text += (text.empty() ? "" : ",") + StatusToJson(status);
                    }
                    if (batch) text = "{\"evaluations\":[" + text + "]}";
                    Reply(call, JsonResponse(code, std::move(text)));
                  });
}

void ServiceApi::Get(const CallPtr& call, const std::string& id) {
  const Result<double> wait = WaitOf(call->exchange->request());
  if (!wait.ok()) return Refuse(call, FromError(wait.error()));
  const Result<EvaluationStatus> status = service_.Find(id);
  if (!status.ok() || IsFinal(status->state) || *wait == 0 || service_.draining()) {
    return ReplyStatus(call, status);
  }
  Wait(call, id, *wait);
}

// Answers at the final state, after `seconds` or when the service shuts down, what comes first.
void ServiceApi::Wait(const CallPtr& call, const std::string& id, double seconds) {
  const uint64_t watch = service_.Watch(id, [this, call](const EvaluationStatus& status) {
    if (IsFinal(status.state) || service_.draining()) ReplyStatus(call, status, true);
  });
  if (watch == 0) return ReplyStatus(call, service_.Find(id), true);
  call->exchange->OnGone([this, id, watch] { service_.Unwatch(id, watch); });
  call->exchange->After(seconds, [this, weak = std::weak_ptr<Call>(call), id, watch] {
    const CallPtr alive = weak.lock();  // before Unwatch: the watch holds it
    service_.Unwatch(id, watch);
    if (alive != nullptr) ReplyStatus(alive, service_.Find(id), true);
  });
}

void ServiceApi::Events(const CallPtr& call, const std::string& id) {
  const Result<EvaluationStatus> now = service_.Find(id);
  if (!now.ok()) return Refuse(call, FromError(now.error()));
  metrics_.Count(call->route, 200, -1);
  HttpResponse head{200, "text/event-stream", "", {{"Cache-Control", "no-store"}}};
  call->exchange->BeginStream(std::move(head));
  const auto send = [this, call](const EvaluationStatus& status) {
    if (IsFinal(status.state)) {
      call->exchange->Write(EventText("result", status));
      return call->exchange->EndStream();
    }
    call->exchange->Write(EventText("state", status));
    if (!service_.draining()) return;
    call->exchange->Write("event: closing\ndata: {}\n\n");
    call->exchange->EndStream();
  };
  if (IsFinal(now->state)) return send(*now);
  const uint64_t watch = service_.Watch(id, send);
  const Result<EvaluationStatus> latest = service_.Find(id);
  if (latest.ok()) send(*latest);
  if (watch == 0) return;
  call->exchange->OnGone([this, id, watch] { service_.Unwatch(id, watch); });
  Ping(call);
}

// A comment now and then, so that nobody between us and the client closes a quiet stream.
void ServiceApi::Ping(const std::weak_ptr<Call>& weak) {
  const CallPtr call = weak.lock();
  if (call == nullptr) return;
  call->exchange->After(options_.ping_s, [this, weak] {
    const CallPtr alive = weak.lock();
    if (alive != nullptr && alive->exchange->Write(": ping\n\n")) Ping(weak);
  });
}

}  // namespace ks
