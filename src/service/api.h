// The routes of the evaluation service: HTTP requests to calls of EvaluationService, and back.
// Shapes: docs/service_api.md and the OpenAPI document that is served.
#ifndef KS_SERVICE_API_H_
#define KS_SERVICE_API_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/http_server.h"
#include "service/metrics.h"
#include "service/rate_limit.h"
#include "service/service.h"

namespace ks {

struct ApiOptions {
  std::string token;       // empty: none is asked for
  std::string version;     // of kernelsmith
  std::string tasks_json;  // the library, as `ksmith tasks --json` prints it
  double rate_per_s = 0;   // requests of one client; 0: no limit
  double rate_burst = 0;
  double ping_s = 15;  // event streams say something at least so often
};

inline constexpr double kMaxWaitSeconds = 300;

// Thread-safe; its methods are the hooks of an HttpServer. Service and clock outlive it, and it
// outlives the server.
class ServiceApi {
 public:
  ServiceApi(const ApiOptions& options, EvaluationService& service, const Clock& clock);

  HttpServerHooks Hooks();
  // Told once the server listens; for /metrics.
  void SetConnectionCount(std::function<size_t()> count) { connections_ = std::move(count); }

 private:
  using Exchange = std::shared_ptr<HttpExchange>;
  struct Call;  // an exchange, its route and when it began
  using CallPtr = std::shared_ptr<Call>;

  std::optional<HttpResponse> Admit(const HttpRequest& head);
  void Handle(Exchange exchange);
  void Route(const CallPtr& call, const std::string& path);
  void RouteEvaluation(const CallPtr& call, std::string rest);
  void Reply(const CallPtr& call, HttpResponse response, bool waited = false);
  void Refuse(const CallPtr& call, const ApiError& error);
  void ReplyStatus(const CallPtr& call, const Result<EvaluationStatus>& status,
                   bool waited = false);
  void Health(const CallPtr& call);
  void Devices(const CallPtr& call);
  void Submit(const CallPtr& call);
  void Get(const CallPtr& call, const std::string& id);
  void Wait(const CallPtr& call, const std::string& id, double seconds);
  void Events(const CallPtr& call, const std::string& id);
  void Ping(const std::weak_ptr<Call>& weak);

  const ApiOptions options_;
  EvaluationService& service_;
  const Clock& clock_;
  const int64_t start_ns_;
  RateLimit rate_;
  HttpMetrics metrics_;
  std::function<size_t()> connections_;
};

HttpResponse ErrorResponse(const ApiError& error);
// The OpenAPI 3.0 document of the routes.
std::string OpenApiJson(const std::string& version);

}  // namespace ks

#endif  // KS_SERVICE_API_H_
