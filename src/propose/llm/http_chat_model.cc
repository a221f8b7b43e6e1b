#include "propose/llm/http_chat_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <utility>

#include "base/rng.h"
#include "base/text.h"
#include "net/http_client.h"
#include "propose/llm/chat_wire.h"

namespace ks {
namespace {

constexpr size_t kMaxConnections = 1024;
constexpr size_t kBytesPerToken = 16;  // more than any vocabulary's longest usual token
constexpr size_t kSmallestLimit = 64u << 10;
constexpr size_t kMaxRefusalBytes = 1u << 20;
constexpr size_t kSmallestSecret = 8;  // shorter ones ("none", "EMPTY") are words
constexpr const char* kBlot = "***";

// One try of a request.
struct Try {
  Result<ChatAnswer> answer = ChatAnswer();
  bool again = false;       // worth another try
  double retry_after = -1;  // that the server asked for
  bool counts = false;      // the server may have worked: tokens are charged
  size_t answer_bytes = 0;  // of a broken answer
  std::optional<TokenUse> use;
};

bool PassingStatus(int status) {
  return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

class HttpChatModel final : public ChatModel {
 public:
  HttpChatModel(const ModelConfig& model, const LlmConfig& llm, const ChatAccess& access,
                Budget& budget, WaitFunction wait, std::unique_ptr<HttpClient> client,
                std::string target)
      : model_(model),
        llm_(llm),
        sampling_(SamplingOf(model, llm)),
        key_(access.key),
        budget_(budget),
        wait_(std::move(wait)),
        client_(std::move(client)),
        target_(std::move(target)) {}

  const std::string& name() const override { return model_.name; }

  Result<ChatAnswer> Ask(const ChatRequest& request, std::stop_token stop) override {
    const std::string body = ChatBody(model_.name, sampling_, request);
    Rng rng(DeriveSeed(request.seed, "retry", 0));
    double cost_usd = 0;
    for (int attempt = 0;; ++attempt) {
      const Spending most = MostOf(body);
      KS_RETURN_IF_ERROR(budget_.Reserve(most, stop));
      Try result = Send(body, stop);
      const Spending cost = CostOf(result, body);
      budget_.Settle(most, cost);
      cost_usd += cost.usd;
      if (result.answer.ok()) {
        result.answer->cost_usd = cost_usd;
        result.answer->tries = attempt + 1;
        return std::move(result.answer);
      }
      if (!result.again || attempt >= llm_.retries) {
        return Said(result.answer.error(), attempt + 1);
      }
      const double pause =
          llm_.retry_wait_s * std::pow(2.0, std::min(attempt, 20)) * (0.5 + rng.Uniform() / 2);
      if (result.retry_after > llm_.longest_wait_s) {
        return Said(
            result.answer.error().Under(fmt::format(
                "it asks to wait {:.0f} s, longer than [llm] longest_wait_s", result.retry_after)),
            attempt + 1);
      }
      const double seconds = result.retry_after >= 0 ? std::max(result.retry_after, 0.0)
                                                     : std::min(pause, llm_.longest_wait_s);
      if (!wait_(seconds, stop)) return Error{ErrorCode::kCancelled, "stopped"};
    }
  }

 private:
  // An error as it may be shown: with the model, without the key.
  Error Said(const Error& error, int tries) const {
    std::string message =
        fmt::format("model '{}' at {}: {}", model_.name, client_->server(), Blotted(error.message));
    if (tries > 1) message += fmt::format(" (after {} tries)", tries);
    return {error.code, std::move(message)};
  }
  std::string Blotted(std::string text) const {
    return key_.size() < kSmallestSecret ? text : ReplaceAll(std::move(text), key_, kBlot);
  }

  Spending Charge(int64_t prompt, int64_t answer) const {
    const double usd = (static_cast<double>(prompt) * model_.price_in +
                        static_cast<double>(answer) * model_.price_out) *
                       1e-6;
    return {usd, prompt + answer, 1};
  }
  Spending MostOf(const std::string& body) const {
    return Charge(EstimateTokens(body.size()), sampling_.max_tokens);
  }
  // Sets the answer's use where the server did not.
  Spending CostOf(Try& result, const std::string& body) const {
    const int64_t prompt = EstimateTokens(body.size());
    if (result.answer.ok()) {
      TokenUse& use = result.answer->use;
      if (use.estimated) use.prompt = prompt;
      return Charge(use.prompt, use.answer);
    }
    if (result.use) return Charge(result.use->prompt, result.use->answer);
    if (!result.counts) return Charge(0, 0);
    return Charge(prompt, EstimateTokens(result.answer_bytes));
  }

  Try Send(const std::string& body, const std::stop_token& stop) const {
    AnswerReader reader(
        std::max(static_cast<size_t>(sampling_.max_tokens) * kBytesPerToken, kSmallestLimit));
    HttpCall call;
    call.method = "POST";
    call.target = target_;
    call.headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};
    if (!key_.empty()) call.headers.emplace_back("Authorization", "Bearer " + key_);
    call.body = body;
    call.timeout_s = llm_.answer_timeout_s;
    call.first_byte_timeout_s = llm_.first_byte_timeout_s;
    call.idle_timeout_s = llm_.idle_timeout_s;
    call.on_body = [&](std::string_view piece) { return reader.Feed(piece); };
    const Result<HttpResponse> response = client_->Send(call, stop);
    Try result;
    result.answer_bytes = reader.answer_bytes();
    result.use = reader.usage();
    if (!response.ok()) {
      const bool too_large = response.error().code == ErrorCode::kResourceExhausted;
      result.again = too_large || response.error().code == ErrorCode::kUnavailable;
      result.counts = result.answer_bytes > 0;
      result.answer = response.error();
      if (too_large) result.answer = Error{ErrorCode::kUnavailable, response.error().message};
      return result;
    }
    if (response->status / 100 != 2) return Refusal(*response);
    result.counts = true;
    result.answer = reader.Finish();
    if (result.answer.ok()) {
      result.answer->text = Blotted(std::move(result.answer->text));
      result.answer->reasoning = Blotted(std::move(result.answer->reasoning));
    } else {
      result.again = result.answer.error().code == ErrorCode::kUnavailable;
    }
    return result;
  }

  Try Refusal(const HttpResponse& response) const {
    const int status = response.status;
    const std::string said = ServerMessage(response.body);
    const std::string text = fmt::format("status {}{}{}", status, said.empty() ? "" : ": ", said);
    Try result;
    if (status == 401 || status == 403) {
      result.answer =
          Error{ErrorCode::kFailedPrecondition,
                text + (key_.empty() ? "; no key is sent: name one with key_env or key_file"
                                     : "; the key that key_env or key_file names is not accepted")};
    } else if (status == 402 || said.find("quota") != said.npos) {
      result.answer = Error{ErrorCode::kFailedPrecondition, text};
    } else if (status == 404) {
      result.answer = Error{ErrorCode::kInvalidArgument,
                            text + "; the model or the address is not known there"};
    } else if (PassingStatus(status)) {
      result.again = true;
      result.retry_after =
          RetryAfterSeconds(FindHeader(response.headers, "Retry-After"), std::time(nullptr));
      result.answer = Error{ErrorCode::kUnavailable, text};
    } else {
      result.answer = Error{ErrorCode::kInvalidArgument, text};
    }
    return result;
  }

  const ModelConfig model_;
  const LlmConfig llm_;
  const Sampling sampling_;
  const std::string key_;
  Budget& budget_;
  const WaitFunction wait_;
  const std::unique_ptr<HttpClient> client_;
  const std::string target_;
};

}  // namespace

bool WaitSeconds(double seconds, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

double RetryAfterSeconds(std::string_view value, int64_t now_unix_s) {
  value = Trim(value);
  if (value.empty()) return -1;
  if (const std::optional<double> seconds = ParseDouble(value)) {
    return std::isfinite(*seconds) && *seconds >= 0 ? *seconds : -1;
  }
  std::tm when{};
  const std::string text(value);
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when);
  if (end == nullptr || *end != '\0') return -1;
  return std::max(0.0, static_cast<double>(timegm(&when) - now_unix_s));
}

Status CheckKey(const ChatAccess& access) {
  const auto unfit = [](char c) { return c <= ' ' || c >= 0x7F; };
  if (std::none_of(access.key.begin(), access.key.end(), unfit)) return {};
  return Error{ErrorCode::kInvalidArgument, "a key is one word of printable ASCII characters"};
}

Result<std::unique_ptr<ChatModel>> NewHttpChatModel(const ModelConfig& model, const LlmConfig& llm,
                                                    const ChatAccess& access, Budget& budget,
                                                    WaitFunction wait) {
  const auto named = [&](const Error& error) {
    return error.Under(fmt::format("model '{}'", model.name));
  };
  if (const Status extra = CheckExtra(model.extra); !extra.ok()) return named(extra.error());
  if (const Status key = CheckKey(access); !key.ok()) return named(key.error());
  const Result<HttpUrl> url = ParseUrl(model.url);
  if (!url.ok()) return named(url.error());
  HttpClientOptions options;
  options.connect_timeout_s = llm.connect_timeout_s;
  options.ca_file = access.ca_file;
  options.proxy = access.proxy;
  options.max_idle_connections = kMaxConnections;
  options.max_body_bytes = kMaxRefusalBytes;  // of refusals; answers are limited as they arrive
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Create(model.url, options);
  if (!client.ok()) return named(client.error());
  const char* target = url->base.empty() ? "/v1/chat/completions" : "/chat/completions";
  return std::unique_ptr<ChatModel>(std::make_unique<HttpChatModel>(
      model, llm, access, budget, std::move(wait), *std::move(client), target));
}

}  // namespace ks
