#include "propose/llm/chat_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxServerMessage = 300;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the UTF-8 sequence at the front of `text`, 0 when it is none (Unicode 15, table 3-7).
size_t SequenceLength(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (at(i) < 0x80 || at(i) > 0xBF) return 0;
  }
  return length;
}

std::string OneLine(std::string_view text) {
  std::string line(Trim(text));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return Shorten(line, kMaxServerMessage);
}

// The string at `key`, or empty.
std::string TextAt(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

int64_t CountAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number()) return -1;
  const double count = it->get<double>();
  return count >= 0 && count < 1e15 ? static_cast<int64_t>(count) : -1;
}

ChatEnd EndNamed(const std::string& name) {
  if (name == "stop" || name == "eos") return ChatEnd::kStop;
  if (name == "length" || name == "max_tokens") return ChatEnd::kLength;
  return ChatEnd::kOther;
}

// {"error": {...}} or {"error": "..."}: what a server puts into a stream that fails on the way.
Error FaultOf(const Json& error) {
  const std::string text = error.is_string() ? error.get<std::string>() : TextAt(error, "message");
  const int64_t code = error.is_object() ? CountAt(error, "code") : -1;
  const bool lasting = code >= 400 && code < 500 && code != 408 && code != 429;
  return {lasting ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable,
          "the server gave up on its answer: " + OneLine(text.empty() ? "no reason given" : text)};
}

}  // namespace

const char* ChatEndName(ChatEnd end) {
  static constexpr std::array kNames = {"stop", "length", "too_large", "other"};
  return kNames.at(static_cast<size_t>(end));
}

int64_t EstimateTokens(size_t bytes) { return (static_cast<int64_t>(bytes) * 2 + 6) / 7; }

Sampling SamplingOf(const ModelConfig& model, const LlmConfig& llm) {
  Sampling sampling;
  sampling.temperature = model.temperature >= 0 ? model.temperature : llm.temperature;
  sampling.top_p = model.top_p >= 0 ? model.top_p : llm.top_p;
  sampling.max_tokens = model.max_tokens > 0 ? model.max_tokens : llm.max_answer_tokens;
  sampling.extra = model.extra;
  return sampling;
}

Status CheckExtra(const std::string& extra) {
  if (extra.empty()) return {};
  const Json json = Json::parse(extra, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "'extra' must be an object: {name = value, ...}"};
  }
  for (const auto& [name, value] : json.items()) {
    static_cast<void>(value);
    for (const char* ours : {"messages", "stream", "stream_options", "model"}) {
      if (name == ours) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("'extra' must not set '{}': kernelsmith does", name)};
      }
    }
    for (const char* secret : {"api_key", "apikey", "key", "authorization", "token"}) {
      if (name == secret) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("'extra' is recorded with the run and must not hold a key ('{}'): "
                                 "use key_env or key_file",
                                 name)};
      }
    }
  }
  return {};
}

std::string ChatBody(const std::string& model, const Sampling& sampling,
                     const ChatRequest& request) {
  Json body;
  body["model"] = model;
  body["messages"] = Json::array();
  for (const ChatMessage& message : request.messages) {
    body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  body["temperature"] = sampling.temperature;
  body["top_p"] = sampling.top_p;
  body["max_tokens"] = sampling.max_tokens;
  body["seed"] = static_cast<int64_t>(request.seed & 0x7FFFFFFF);  // 31 bits: what all servers take
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (!sampling.extra.empty()) body.update(Json::parse(sampling.extra));
  for (auto it = body.begin(); it != body.end();) {  // extra = {seed = ""}: leave the field out
    it = it->is_string() && it->get<std::string>().empty() ? body.erase(it) : std::next(it);
  }
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ValidUtf8(std::string_view bytes, bool& mended) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = SequenceLength(bytes);
    out += length == 0 ? kReplacement : bytes.substr(0, length);
    mended = mended || length == 0;
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string ServerMessage(std::string_view body) {
  bool mended = false;
  const std::string text = ValidUtf8(body.substr(0, 64u << 10), mended);
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) {
    const auto error = json.find("error");
    if (error != json.end() && error->is_string()) return OneLine(error->get<std::string>());
    if (error != json.end()) return OneLine(TextAt(*error, "message"));
    for (const char* key : {"message", "detail"}) {
      if (const std::string found = TextAt(json, key); !found.empty()) return OneLine(found);
    }
  }
  return OneLine(text);
}

bool AnswerReader::Feed(std::string_view piece) {
  if (done_) return false;
  if (!started_) {
    const size_t begin = piece.find_first_not_of(" \t\r\n");
    if (begin == piece.npos) return true;
    started_ = true;
    is_document_ = piece[begin] == '{';
  }
  pending_ += piece;
  // A document and its escapes are larger than the answer in it.
  if (pending_.size() > 8 * max_bytes_ || answer_bytes() > max_bytes_) {
    answer_.end = ChatEnd::kTooLarge;
    ended_ = done_ = true;
    return false;
  }
  if (is_document_) return true;
  size_t begin = 0;
  for (size_t end = 0; !done_ && (end = pending_.find('\n', begin)) != pending_.npos;
       begin = end + 1) {
    TakeLine(std::string_view(pending_).substr(begin, end - begin));
  }
  pending_.erase(0, begin);
  return !done_;
}

void AnswerReader::TakeLine(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.substr(0, 5) != "data:") return;  // comments, event names, blank lines
  line = Trim(line.substr(5));
  if (line == "[DONE]") {
    ended_ = done_ = true;
  } else {
    TakeDocument(std::string(line));
  }
}

// A piece of a stream ("delta") or a whole answer ("message").
void AnswerReader::TakeDocument(const std::string& bytes) {
  const Json json = Json::parse(ValidUtf8(bytes, answer_.mended_utf8), nullptr, false);
  if (!json.is_object()) {
    if (!bytes.empty() && fault_.ok()) {
      fault_ = Error{ErrorCode::kUnavailable,
                     "the answer is not the chat protocol: " + OneLine(ServerMessage(bytes))};
      done_ = true;
    }
    return;
  }
  if (const auto error = json.find("error"); error != json.end() && !error->is_null()) {
    fault_ = FaultOf(*error);
    done_ = true;
    return;
  }
  if (const auto use = json.find("usage"); use != json.end() && use->is_object()) {
    const int64_t prompt = CountAt(*use, "prompt_tokens");
    const int64_t answer = CountAt(*use, "completion_tokens");
    if (prompt >= 0 && answer >= 0) usage_ = TokenUse{prompt, answer, false};
  }
  const auto choices = json.find("choices");
  if (choices == json.end() || !choices->is_array() || choices->empty()) return;
  const Json& choice = choices->front();
  if (!choice.is_object()) return;
  for (const char* key : {"delta", "message"}) {
    const auto part = choice.find(key);
    if (part == choice.end()) continue;
    answer_.text += TextAt(*part, "content");
    answer_.reasoning += TextAt(*part, "reasoning_content");
    answer_.reasoning += TextAt(*part, "reasoning");
  }
  if (const std::string end = TextAt(choice, "finish_reason"); !end.empty()) {
    answer_.end = EndNamed(end);
    ended_ = true;  // the stream may go on with its usage
  }
}

Result<ChatAnswer> AnswerReader::Finish() {
  if (!done_ && is_document_) {
    TakeDocument(pending_);
    if (fault_.ok() && !ended_ && answer_.text.empty()) {
      fault_ = Error{ErrorCode::kUnavailable, "the answer has no choices"};
    }
    ended_ = fault_.ok();
  } else if (!done_ && !pending_.empty()) {
    TakeLine(pending_);  // the last line may lack its end
  }
  pending_.clear();
  if (!fault_.ok()) return fault_.error();
  if (!ended_) {
    return Error{ErrorCode::kUnavailable,
                 started_ ? "the answer broke off in the middle" : "the server sent no answer"};
  }
  if (answer_bytes() > max_bytes_) answer_.end = ChatEnd::kTooLarge;
  if (usage_) answer_.use = *usage_;
  if (!usage_) answer_.use = {0, EstimateTokens(answer_bytes()), true};
  return answer_;
}

}  // namespace ks
