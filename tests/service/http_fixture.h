// A whole service on fakes behind a real HTTP server on loopback, and a client for it.
#ifndef KS_TESTS_SERVICE_HTTP_FIXTURE_H_
#define KS_TESTS_SERVICE_HTTP_FIXTURE_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "net/http_client.h"
#include "net/http_server.h"
#include "service/api.h"
#include "tests/service/doubles.h"
#include "tests/store/temp_folder.h"

namespace ks {

class HttpFixture : public testing::Test {
 protected:
  using Json = nlohmann::json;

  void Start() {
    auto journal = Journal::Open(folder_.path(), int64_t{1} << 30);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    journal_ = *std::move(journal);
    auto service =
        EvaluationService::Start(service_options_, {room_, *journal_, clock_, LibraryTask});
    ASSERT_TRUE(service.ok()) << service.error().message;
    service_ = *std::move(service);
    api_options_.version = "1.2.3";
    api_options_.tasks_json = R"({"format":1,"tasks":[]})";
    api_ = std::make_unique<ServiceApi>(api_options_, *service_, clock_);
    auto server = HttpServer::Start(server_options_, api_->Hooks());
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = *std::move(server);
    server_options_.port = server_->port();  // a restart keeps it
    url_ = "http://127.0.0.1:" + std::to_string(server_->port());
    client_ = *HttpClient::Create(url_, {});
  }
  void Stop(double grace_s = 0) {
    service_->Drain(grace_s);
    server_->Stop(1);
    server_.reset();
    api_.reset();
    service_.reset();
    journal_.reset();
  }
  void TearDown() override {
    room_.Release();
    if (server_ != nullptr) Stop();
  }

  HttpResponse Send(const std::string& method, const std::string& target,
                    const Json& body = nullptr, HttpHeaders headers = {}) {
    HttpCall call{.method = method, .target = target, .headers = std::move(headers)};
    if (!body.is_null()) {
      call.body = body.is_string() ? body.get<std::string>() : body.dump();
      call.headers.emplace_back("Content-Type", "application/json");
    }
    Result<HttpResponse> response = client_->Send(call, {});
    EXPECT_TRUE(response.ok()) << response.error().message;
    return response.ok() ? *response : HttpResponse{0, "", "", {}};
  }
  static Json Parsed(const HttpResponse& response) {
    return Json::parse(response.body, nullptr, false);
  }
  static std::string CodeOf(const HttpResponse& response) {
    return ApiErrorFromJson(response.status, response.body).code;
  }
  static Json Ask(const std::string& source) { return {{"task", "matmul"}, {"source", source}}; }
  std::string Submitted(const std::string& source) {
    return Parsed(Send("POST", "/v1/evaluations", Ask(source))).value("id", "");
  }
  Json Waited(const std::string& id) {
    return Parsed(Send("GET", "/v1/evaluations/" + id + "?wait=20"));
  }

  TempFolder folder_;
  SystemClock clock_;
  FakeMachineRoom room_;
  ServiceOptions service_options_;
  ApiOptions api_options_;
  HttpServerOptions server_options_;
  std::string url_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<EvaluationService> service_;
  std::unique_ptr<ServiceApi> api_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace ks

#endif  // KS_TESTS_SERVICE_HTTP_FIXTURE_H_
