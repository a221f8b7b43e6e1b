#include "propose/llm/exchange.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ks {
namespace {

using Json = nlohmann::json;
constexpr int kVersion = 1;

Json ToJson(const ExchangeCall& call) {
  Json json = {{"purpose", call.purpose}, {"model", call.model}, {"seed", call.seed}};
  json["messages"] = Json::array();
  for (const ChatMessage& message : call.messages) {
    json["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  if (!call.error_code.empty()) {
    json["error"] = {{"code", call.error_code}, {"message", call.error}};
    return json;
  }
  const ChatAnswer& answer = call.answer;
  json["answer"] = {{"text", answer.text},
                    {"reasoning", answer.reasoning},
                    {"end", ChatEndName(answer.end)},
                    {"mended_utf8", answer.mended_utf8},
                    {"prompt_tokens", answer.use.prompt},
                    {"answer_tokens", answer.use.answer},
                    {"estimated", answer.use.estimated},
                    {"cost_usd", answer.cost_usd},
                    {"tries", answer.tries}};
  return json;
}

ChatEnd EndNamed(const std::string& name) {
  for (const ChatEnd end :
       {ChatEnd::kStop, ChatEnd::kLength, ChatEnd::kTooLarge, ChatEnd::kOther}) {
    if (name == ChatEndName(end)) return end;
  }
  return ChatEnd::kOther;
}

ErrorCode CodeNamed(const std::string& name) {
  for (const ErrorCode code :
       {ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kFailedPrecondition,
        ErrorCode::kUnavailable, ErrorCode::kResourceExhausted, ErrorCode::kDataLoss,
        ErrorCode::kCancelled}) {
    if (name == ErrorCodeName(code)) return code;
  }
  return ErrorCode::kInternal;
}

ExchangeCall CallFromJson(const Json& json) {
  ExchangeCall call;
  call.purpose = json.at("purpose");
  call.model = json.at("model");
  call.seed = json.at("seed");
  for (const Json& message : json.at("messages")) {
    call.messages.push_back({message.at("role"), message.at("content")});
  }
  if (json.contains("error")) {
    call.error_code = json["error"].at("code");
    call.error = json["error"].at("message");
    return call;
  }
  const Json& answer = json.at("answer");
  call.answer.text = answer.at("text");
  call.answer.reasoning = answer.at("reasoning");
  call.answer.end = EndNamed(answer.at("end"));
  call.answer.mended_utf8 = answer.at("mended_utf8");
  call.answer.use.prompt = answer.at("prompt_tokens");
  call.answer.use.answer = answer.at("answer_tokens");
  call.answer.use.estimated = answer.at("estimated");
  call.answer.cost_usd = answer.at("cost_usd");
  call.answer.tries = answer.at("tries");
  return call;
}

}  // namespace

std::string ExchangeToJson(const Exchange& exchange) {
  Json json = {{"version", kVersion}, {"step", exchange.step}, {"proposer", exchange.proposer}};
  json["calls"] = Json::array();
  for (const ExchangeCall& call : exchange.calls) json["calls"].push_back(ToJson(call));
  if (!exchange.rule.empty()) {
    json["refused"] = {{"rule", exchange.rule}, {"reason", exchange.reason}};
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Exchange> ExchangeFromJson(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("version") != kVersion) {
      return Error{ErrorCode::kDataLoss, "an exchange of a newer version than this program knows"};
    }
    Exchange exchange;
    exchange.step = json.at("step");
    exchange.proposer = json.at("proposer");
    for (const Json& call : json.at("calls")) exchange.calls.push_back(CallFromJson(call));
    if (json.contains("refused")) {
      exchange.rule = json["refused"].at("rule");
      exchange.reason = json["refused"].at("reason");
    }
    return exchange;
  } catch (const Json::exception& error) {
    return Error{ErrorCode::kDataLoss,
                 std::string("a recorded exchange is unreadable: ") + error.what()};
  }
}

Result<ChatAnswer> ReplayChatModel::Ask(const ChatRequest& request, std::stop_token) {
  const auto found = record_->find(request.step);
  const auto call = static_cast<size_t>(request.call);
  if (found == record_->end() || call >= found->second.calls.size()) {
    return Error{ErrorCode::kNotFound, fmt::format("the record has no answer number {} of step {}",
                                                   request.call + 1, request.step)};
  }
  const ExchangeCall& recorded = found->second.calls[call];
  if (recorded.model != name_ || (exact_ && recorded.messages != request.messages)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("request number {} of step {} is not the recorded one",
                             request.call + 1, request.step)};
  }
  if (!recorded.error_code.empty()) return Error{CodeNamed(recorded.error_code), recorded.error};
  return recorded.answer;
}

}  // namespace ks
