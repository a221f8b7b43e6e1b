#include "propose/llm/http_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "net/http_client.h"
#include "propose/llm/chat_wire.h"

namespace ks {
namespace {

constexpr size_t kMostAnswerBytes = 8u << 20;
constexpr size_t kMostDimensions = 65536;

class HttpEmbedder final : public Embedder {
 public:
  HttpEmbedder(const NoveltyConfig& config, std::string key,
               std::function<void(const std::string&)> warn, std::stop_token stop,
               std::unique_ptr<HttpClient> client, std::string target)
      : config_(config),
        key_(std::move(key)),
        warn_(std::move(warn)),
        stop_(std::move(stop)),
        client_(std::move(client)),
        target_(std::move(target)) {}

  std::optional<Embedding> Embed(const std::string& text) override {
    if (silent_in_a_row_ >= kMostSilentQuestions) return std::nullopt;
    Result<Embedding> answer = Ask(text);
    if (answer.ok()) {
      silent_in_a_row_ = 0;
      return *std::move(answer);
    }
    ++silent_in_a_row_;
    if (!warned_ && !stop_.stop_requested()) Warn(answer.error().message);
    return std::nullopt;
  }

 private:
  Result<Embedding> Ask(const std::string& text) const {
    bool mended = false;
    const nlohmann::json body = {{"model", config_.embedding_model},
                                 {"input", {ValidUtf8(text, mended)}},
                                 {"encoding_format", "float"}};
    HttpCall call;
    call.method = "POST";
    call.target = target_;
    call.headers = {{"Content-Type", "application/json"}};
    if (!key_.empty()) call.headers.emplace_back("Authorization", "Bearer " + key_);
    call.body = body.dump();
    call.timeout_s = config_.embedding_timeout_s;
    KS_ASSIGN_OR_RETURN(const HttpResponse response, client_->Send(call, stop_));
    if (response.status != 200) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("status {}: {}", response.status, ServerMessage(response.body))};
    }
    return EmbeddingFromJson(response.body);
  }

  void Warn(std::string what) {
    warned_ = true;
    if (key_.size() >= 8) what = ReplaceAll(std::move(what), key_, "***");
    warn_(fmt::format("no embeddings from {}: {}; near copies are told by shingles meanwhile",
                      client_->server(), what));
  }

  const NoveltyConfig config_;
  const std::string key_;
  const std::function<void(const std::string&)> warn_;
  const std::stop_token stop_;
  const std::unique_ptr<HttpClient> client_;
  const std::string target_;
  int silent_in_a_row_ = 0;
  bool warned_ = false;
};

}  // namespace

Result<Embedding> EmbeddingFromJson(std::string_view json) {
  const Error broken{ErrorCode::kUnavailable, "the answer is no embedding"};
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  const nlohmann::json::json_pointer place("/data/0/embedding");
  if (!document.is_object() || !document.contains(place)) return broken;
  const nlohmann::json& numbers = document[place];
  if (!numbers.is_array() || numbers.empty() || numbers.size() > kMostDimensions) return broken;
  Embedding vector;
  for (const nlohmann::json& number : numbers) {
    if (!number.is_number()) return broken;
    vector.push_back(number.get<float>());
    if (!std::isfinite(vector.back())) return broken;
  }
  return vector;
}

Result<std::unique_ptr<Embedder>> NewHttpEmbedder(const NoveltyConfig& config,
                                                  const ChatAccess& access,
                                                  std::function<void(const std::string&)> warn,
                                                  std::stop_token stop) {
  const auto named = [](const Error& error) { return error.Under("[novelty] embedding_url"); };
  if (const Status key = CheckKey(access); !key.ok()) return named(key.error());
  const Result<HttpUrl> url = ParseUrl(config.embedding_url);
  if (!url.ok()) return named(url.error());
  HttpClientOptions options;
  options.connect_timeout_s = config.embedding_timeout_s;
  options.ca_file = access.ca_file;
  options.proxy = access.proxy;
  options.max_body_bytes = kMostAnswerBytes;
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Create(config.embedding_url, options);
  if (!client.ok()) return named(client.error());
  return std::unique_ptr<Embedder>(std::make_unique<HttpEmbedder>(
      config, access.key, std::move(warn), std::move(stop), *std::move(client),
      url->base.empty() ? "/v1/embeddings" : "/embeddings"));
}

}  // namespace ks
