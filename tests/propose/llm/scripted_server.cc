#include "tests/propose/llm/scripted_server.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"

namespace ks {
namespace {

using Json = nlohmann::json;
constexpr size_t kPiece = 16;

std::string Event(const Json& json) { return "data: " + json.dump() + "\n\n"; }

Json Usage() { return {{"prompt_tokens", 100}, {"completion_tokens", 7}, {"total_tokens", 107}}; }

std::string Document(const ScriptedReply& reply) {
  Json json = {{"object", "chat.completion"},
               {"choices",
                {{{"index", 0},
                  {"message", {{"role", "assistant"}, {"content", reply.text}}},
                  {"finish_reason", reply.finish}}}}};
  if (reply.usage) json["usage"] = Usage();
  return json.dump();
}

void Play(const ScriptedReply& reply, HttpExchange& exchange) {
  if (reply.status != 200 || reply.plain) {
    exchange.Reply({reply.status, "application/json", reply.body, reply.headers});
    return;
  }
  if (reply.document) {
    exchange.Reply({200, "application/json", Document(reply), {}});
    return;
  }
  exchange.BeginStream({200, "text/event-stream", "", {}});
  if (reply.raw) {
    exchange.Write(reply.body);
  } else {
    exchange.Write(Event({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}}}}}}}));
    for (size_t at = 0; at < reply.text.size(); at += kPiece) {
      const std::string piece = reply.text.substr(at, kPiece);
      exchange.Write(Event({{"choices", {{{"index", 0}, {"delta", {{"content", piece}}}}}}}));
    }
  }
  if (reply.stall) return;
  if (!reply.raw && !reply.half) {
    exchange.Write(
        Event({{"choices",
                {{{"index", 0}, {"delta", Json::object()}, {"finish_reason", reply.finish}}}}}));
    if (reply.usage) {
      exchange.Write(Event({{"choices", Json::array()}, {"usage", Usage()}}));
    }
    exchange.Write("data: [DONE]\n\n");
  }
  exchange.EndStream();
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  HttpServerHooks hooks;
  hooks.admit = [](const HttpRequest&) { return std::nullopt; };
  hooks.error = [](int status, const std::string& message) {
    return HttpResponse{status, "text/plain", message, {}};
  };
  hooks.handle = [this](std::shared_ptr<HttpExchange> exchange) { Handle(std::move(exchange)); };
  auto server = HttpServer::Start({}, std::move(hooks));
  KS_CHECK(server.ok());
  server_ = *std::move(server);
}

ScriptedServer::ScriptedServer(std::vector<ScriptedReply> replies)
    : ScriptedServer([replies = std::move(replies)](const HttpRequest&, int number) {
        return replies[std::min(static_cast<size_t>(number), replies.size() - 1)];
      }) {}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    kept_.clear();
  }
  server_.reset();
}

std::string ScriptedServer::url() const {
  return "http://127.0.0.1:" + std::to_string(server_->port()) + "/v1";
}

std::vector<HttpRequest> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::Handle(std::shared_ptr<HttpExchange> exchange) {
  ScriptedReply reply;
  {
    const std::lock_guard lock(mutex_);
    reply = script_(exchange->request(), static_cast<int>(requests_.size()));
    requests_.push_back(exchange->request());
    if (reply.silent || reply.stall) kept_.push_back(exchange);
  }
  if (reply.silent) return;
  if (reply.delay_s > 0) {
    HttpExchange& waiting = *exchange;
    waiting.After(reply.delay_s, [exchange = std::move(exchange), reply = std::move(reply)] {
      Play(reply, *exchange);
    });
    return;
  }
  Play(reply, *exchange);
}

}  // namespace ks
