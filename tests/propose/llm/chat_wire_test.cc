#include "propose/llm/chat_wire.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ks {
namespace {

using Json = nlohmann::json;

Result<ChatAnswer> Read(const std::string& bytes, size_t piece = 1, size_t max_bytes = 1 << 20) {
  AnswerReader reader(max_bytes);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.Feed(std::string_view(bytes).substr(at, piece))) break;
  }
  return reader.Finish();
}

constexpr char kDelta[] = "data: {\"choices\":[{\"delta\":{\"content\":\"hi \"}}]}\n\n";
constexpr char kEnd[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

TEST(ChatBody, HasWhatTheProtocolWantsAndWhatTheModelAdds) {
  ModelConfig model;
  model.temperature = 0.2;
  model.extra = R"({"chat_template_kwargs": {"enable_thinking": false}, "seed": ""})";
  LlmConfig llm;
  llm.max_answer_tokens = 99;
  const Json body =
      Json::parse(ChatBody("m", SamplingOf(model, llm), {{{"user", "hé"}}, 1ULL << 40, 0, 0}));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["messages"], Json::parse(R"([{"role": "user", "content": "hé"}])"));
  EXPECT_EQ(body["temperature"], 0.2);
  EXPECT_EQ(body["top_p"], 0.95);
  EXPECT_EQ(body["max_tokens"], 99);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["chat_template_kwargs"]["enable_thinking"], false);
  EXPECT_FALSE(body.contains("seed")) << "an empty text leaves a field out";
}

TEST(ChatBody, RefusesExtraThatIsNotForTheModel) {
  EXPECT_TRUE(CheckExtra("").ok());
  EXPECT_TRUE(CheckExtra(R"({"min_p": 0.1})").ok());
  for (const char* bad : {"[1]", "{", R"({"messages": []})", R"({"stream": false})",
                          R"({"api_key": "sk-1"})", R"({"authorization": "x"})"}) {
    EXPECT_FALSE(CheckExtra(bad).ok()) << bad;
  }
}

TEST(AnswerReader, ReadsAStreamHoweverItIsCut) {
  const std::string stream =
      std::string(": keep-alive\n\n") + kDelta +
      "event: x\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\r\n\r\n" +
      kDelta + kEnd +
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n" +
      "data: [DONE]\n\n";
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    const Result<ChatAnswer> answer = Read(stream, piece);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->text, "hi hi ");
    EXPECT_EQ(answer->reasoning, "hm");
    EXPECT_EQ(answer->use, (TokenUse{5, 2, false}));
    EXPECT_EQ(answer->end, ChatEnd::kStop);
  }
}

TEST(AnswerReader, ReadsAWholeDocument) {
  const Result<ChatAnswer> answer =
      Read(R"(  {"choices":[{"message":{"content":"hi"},"finish_reason":"length"}]})");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "hi");
  EXPECT_EQ(answer->end, ChatEnd::kLength);
  EXPECT_TRUE(answer->use.estimated);
}

TEST(AnswerReader, TellsAnEndFromABreak) {
  EXPECT_TRUE(Read(std::string(kDelta) + kEnd).ok()) << "no [DONE], but a finish reason";
  EXPECT_TRUE(Read(std::string(kDelta) + "data: [DONE]").ok()) << "no line end";
  for (const std::string& half : {std::string(kDelta), std::string(""), std::string("\n\n"),
                                  std::string(kDelta) + "data: {\"choi", std::string("<html>"),
                                  std::string("{\"choices\":[{\"message\""), std::string("{}")}) {
    const Result<ChatAnswer> answer = Read(half);
    ASSERT_FALSE(answer.ok()) << half;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << half;
  }
}

TEST(AnswerReader, PassesOnFaultsInsideAStream) {
  const Result<ChatAnswer> passing =
      Read(std::string(kDelta) + "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n");
  EXPECT_EQ(passing.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(passing.error().message.find("overloaded"), std::string::npos);
  const Result<ChatAnswer> lasting =
      Read("data: {\"error\":{\"message\":\"too long\",\"code\":400}}\n\n");
  EXPECT_EQ(lasting.error().code, ErrorCode::kInvalidArgument);
}

TEST(AnswerReader, MendsBytesThatAreNotUtf8) {
  const Result<ChatAnswer> answer =
      Read("data: {\"choices\":[{\"delta\":{\"content\":\"a\xff\xc3(\xe2\x82\"}}]}\n" +
           std::string(kEnd));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_TRUE(answer->mended_utf8);
  EXPECT_EQ(answer->text, "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(AnswerReader, StopsReadingWhatIsTooLarge) {
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += kDelta;
  const Result<ChatAnswer> answer = Read(stream, 64, 100);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->end, ChatEnd::kTooLarge);
  EXPECT_LT(answer->text.size(), 200u);
  EXPECT_EQ(Read("data: " + std::string(10000, 'x'), 64, 100)->end, ChatEnd::kTooLarge)
      << "a line without end";
}

TEST(AnswerReader, IgnoresFieldsOfAnotherType) {
  const Result<ChatAnswer> answer = Read(
      "data: {\"choices\":[{\"delta\":{\"content\":null}}],\"usage\":null}\n"
      "data: {\"choices\":{}}\ndata: {\"choices\":[7]}\ndata: {\"choices\":[{\"delta\":[]}],"
      "\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":\"x\"}}\n" +
      std::string(kEnd));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "");
  EXPECT_TRUE(answer->use.estimated);
}

TEST(ServerMessage, IsOneShortLine) {
  EXPECT_EQ(ServerMessage(R"({"error": {"message": "no\nsuch model"}})"), "no such model");
  EXPECT_EQ(ServerMessage(R"({"error": "busy"})"), "busy");
  EXPECT_EQ(ServerMessage(R"({"detail": "Not Found"})"), "Not Found");
  EXPECT_EQ(ServerMessage("<h1>\x01 Bad</h1>"), "<h1>  Bad</h1>");
  EXPECT_LE(ServerMessage(std::string(100000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace ks
