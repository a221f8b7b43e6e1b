// The client against a scripted server: every row of bad input that a server can send.
#include "propose/llm/http_chat_model.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/propose/llm/scripted_server.h"

namespace ks {
namespace {

constexpr char kKey[] = "sk-test-0123456789abcdef";

// A client of one scripted server; waits between tries are noted, not waited.
class HttpChatModelTest : public testing::Test {
 protected:
  Result<ChatAnswer> Ask(std::vector<ScriptedReply> replies) {
    server_ = std::make_unique<ScriptedServer>(std::move(replies));
    return AskServer();
  }
  Result<ChatAnswer> AskServer(std::stop_token stop = {}) {
    model_.url = server_->url();
    ChatRequest request;
    request.messages = {{"user", "hello"}};
    return Model()->Ask(request, std::move(stop));
  }
  std::unique_ptr<ChatModel> Model() {
    budget_ = std::make_unique<Budget>(limit_);
    auto model = NewHttpChatModel(model_, llm_, access_, *budget_,
                                  [this](double seconds, const std::stop_token& stop) {
                                    waits_.push_back(seconds);
                                    return !stop.stop_requested();
                                  });
    EXPECT_TRUE(model.ok()) << model.error().message;
    return *std::move(model);
  }
  void SetUp() override {
    model_.name = "m";
    model_.price_in = 10;
    model_.price_out = 1000;
    llm_.max_answer_tokens = 1000;
    llm_.retries = 2;
    access_.key = kKey;
  }

  ModelConfig model_;
  LlmConfig llm_;
  ChatAccess access_;
  Spending limit_;
  std::vector<double> waits_;
  std::unique_ptr<Budget> budget_;
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(HttpChatModelTest, StreamsAnAnswerAndCountsWhatItCost) {
  const Result<ChatAnswer> answer = Ask({{.text = "hello from a model, in pieces"}});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "hello from a model, in pieces");
  EXPECT_EQ(answer->use, (TokenUse{100, 7, false}));
  EXPECT_DOUBLE_EQ(answer->cost_usd, 100e-6 * 10 + 7e-6 * 1000);
  EXPECT_EQ(budget_->spent().calls, 1);
  EXPECT_EQ(budget_->spent().tokens, 107);
  const HttpRequest request = server_->requests().at(0);
  EXPECT_EQ(request.path, "/v1/chat/completions");
  EXPECT_EQ(FindHeader(request.headers, "Authorization"), std::string("Bearer ") + kKey);
}

TEST_F(HttpChatModelTest, TakesAWholeDocumentAndEstimatesWhatIsNotCounted) {
  const Result<ChatAnswer> answer =
      Ask({{.text = std::string(70, 'x'), .document = true, .usage = false}});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->use.answer, 20);
  EXPECT_GT(answer->use.prompt, 0);
  EXPECT_TRUE(answer->use.estimated);
}

TEST_F(HttpChatModelTest, TriesAgainLongerAndLongerAfterPassingFaults) {
  llm_.retries = 4;
  llm_.retry_wait_s = 1;
  const Result<ChatAnswer> answer = Ask({{.status = 500, .body = "oops"},
                                         {.text = "half", .half = true},
                                         {.status = 429, .body = "{}"},
                                         {.status = 503},
                                         {.text = "fine"}});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->text, "fine");
  EXPECT_EQ(answer->tries, 5);
  ASSERT_EQ(waits_.size(), 4u);
  for (size_t i = 0; i < waits_.size(); ++i) {
    EXPECT_GE(waits_[i], 0.5 * double(1 << i));
    EXPECT_LE(waits_[i], 1.0 * double(1 << i));
  }
  EXPECT_EQ(budget_->spent().calls, 5);
  EXPECT_GT(budget_->spent().tokens, 107) << "half an answer was paid for too";
}

TEST_F(HttpChatModelTest, WaitsAsLongAsTheServerAsks) {
  EXPECT_TRUE(Ask({{.status = 429, .headers = {{"Retry-After", "17"}}}, {.text = "x"}}).ok());
  EXPECT_EQ(waits_, (std::vector<double>{17}));
  waits_.clear();
  const Result<ChatAnswer> late = Ask({{.status = 429, .headers = {{"Retry-After", "9999"}}}});
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(late.error().message.find("longest_wait_s"), std::string::npos);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(HttpChatModelTest, GivesUpAfterTheLastTry) {
  const Result<ChatAnswer> answer = Ask({{.status = 500, .body = "{\"error\":\"on fire\"}"}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(answer.error().message.find("on fire"), std::string::npos) << answer.error().message;
  EXPECT_NE(answer.error().message.find("after 3 tries"), std::string::npos);
}

TEST_F(HttpChatModelTest, DoesNotRepeatWhatWillNotGetBetter) {
  struct Row {
    int status;
    const char* body;
    ErrorCode code;
    const char* word;
  };
  for (const Row& row :
       {Row{401, "{\"error\":{\"message\":\"bad key\"}}", ErrorCode::kFailedPrecondition, "key"},
        Row{404, "{\"error\":{\"message\":\"The model `m` does not exist\"}}",
            ErrorCode::kInvalidArgument, "does not exist"},
        Row{400, "{\"error\":{\"message\":\"too long\"}}", ErrorCode::kInvalidArgument, "too long"},
        Row{429, "{\"error\":{\"message\":\"You exceeded your current quota\"}}",
            ErrorCode::kFailedPrecondition, "quota"},
        Row{302, "", ErrorCode::kInvalidArgument, "302"}}) {
    const Result<ChatAnswer> answer = Ask({{.status = row.status, .body = row.body}});
    ASSERT_FALSE(answer.ok()) << row.status;
    EXPECT_EQ(answer.error().code, row.code) << row.status;
    EXPECT_NE(answer.error().message.find(row.word), std::string::npos) << answer.error().message;
    EXPECT_EQ(server_->requests().size(), 1u) << row.status;
  }
}

TEST_F(HttpChatModelTest, GivesUpOnASlowServerAtEveryPhase) {
  llm_.retries = 0;
  llm_.first_byte_timeout_s = 0.05;
  EXPECT_EQ(Ask({{.silent = true}}).error().code, ErrorCode::kUnavailable);
  llm_.first_byte_timeout_s = 30;
  llm_.idle_timeout_s = 0.05;
  const Result<ChatAnswer> stalled = Ask({{.text = "some", .stall = true}});
  EXPECT_EQ(stalled.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(stalled.error().message.find("in time"), std::string::npos);
  llm_.idle_timeout_s = 30;
  llm_.answer_timeout_s = 0.05;
  EXPECT_EQ(Ask({{.text = "some", .stall = true}}).error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpChatModelTest, NobodyThereIsUnavailable) {
  server_ = std::make_unique<ScriptedServer>(std::vector<ScriptedReply>{{}});
  model_.url = server_->url();
  auto model = Model();
  server_.reset();
  const Result<ChatAnswer> answer = model->Ask({}, {});
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(waits_.size(), 2u);
}

TEST_F(HttpChatModelTest, ReadsInvalidUtf8HugeAndEmptyAnswers) {
  const std::string end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  const Result<ChatAnswer> bad =
      Ask({{.body = "data: {\"choices\":[{\"delta\":{\"content\":\"a\xff\"}}]}\n\n" + end,
            .raw = true}});
  ASSERT_TRUE(bad.ok()) << bad.error().message;
  EXPECT_TRUE(bad->mended_utf8);
  llm_.max_answer_tokens = 16;
  const Result<ChatAnswer> huge = Ask({{.text = std::string(100u << 10, 'x')}});
  ASSERT_TRUE(huge.ok()) << huge.error().message;
  EXPECT_EQ(huge->end, ChatEnd::kTooLarge);
  EXPECT_LT(huge->text.size(), 1u << 17);
  EXPECT_EQ(Ask({{.text = ""}})->text, "");
}

TEST_F(HttpChatModelTest, AStopEndsARequestThatWaits) {
  std::stop_source stop;
  server_ = std::make_unique<ScriptedServer>([&](const HttpRequest&, int) {
    stop.request_stop();
    return ScriptedReply{.silent = true};
  });
  EXPECT_EQ(AskServer(stop.get_token()).error().code, ErrorCode::kCancelled);
}

TEST_F(HttpChatModelTest, StopsBeforeARequestThatCouldPassTheBudget) {
  limit_.calls = 1;
  llm_.retries = 5;
  const Result<ChatAnswer> calls = Ask({{.status = 500}, {.text = "x"}});
  EXPECT_EQ(calls.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(calls.error().message.find("budget_calls"), std::string::npos);
  EXPECT_EQ(server_->requests().size(), 1u);
  limit_ = {0.9, 0, 0};  // 1000 answer tokens could cost 1 USD
  EXPECT_EQ(Ask({{.text = "x"}}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(server_->requests().size(), 0u);
  limit_ = {1.1, 0, 0};
  EXPECT_TRUE(Ask({{.text = "x"}}).ok());
}

TEST_F(HttpChatModelTest, NoMessageAndNoAnswerRepeatsTheKey) {
  const std::string leak = std::string("{\"error\":{\"message\":\"Incorrect key: ") + kKey + "\"}}";
  for (const int status : {400, 401, 404, 500}) {
    const Result<ChatAnswer> answer = Ask({{.status = status, .body = leak}});
    EXPECT_EQ(answer.error().message.find(kKey), std::string::npos) << answer.error().message;
    EXPECT_NE(answer.error().message.find("***"), std::string::npos) << answer.error().message;
  }
  const Result<ChatAnswer> echoed = Ask({{.text = std::string("your key is ") + kKey}});
  EXPECT_EQ(echoed->text, "your key is ***");
  for (const HttpRequest& request : server_->requests()) {
    EXPECT_EQ(request.body.find(kKey), std::string::npos) << "it travels in a header only";
    EXPECT_EQ(request.target.find(kKey), std::string::npos);
  }
}

TEST_F(HttpChatModelTest, RefusesASetupThatCannotWork) {
  Budget budget({});
  const auto code = [&](ModelConfig model, ChatAccess access) {
    const auto made = NewHttpChatModel(model, llm_, access, budget);
    EXPECT_EQ(made.ok() ? "" : made.error().message.substr(0, 9), "model 'm'");
    return made.ok() ? ErrorCode::kInternal : made.error().code;
  };
  ModelConfig model = model_;
  model.url = "ftp://x";
  EXPECT_EQ(code(model, {}), ErrorCode::kInvalidArgument);
  model.url = "http://user:secret@host/v1";
  const auto made = NewHttpChatModel(model, llm_, {}, budget);
  EXPECT_EQ(made.error().message.find("secret"), std::string::npos) << made.error().message;
  model.url = "http://x/v1";
  EXPECT_EQ(code(model, {.key = "two words"}), ErrorCode::kInvalidArgument);
  model.extra = "{";
  EXPECT_EQ(code(model, {}), ErrorCode::kInvalidArgument);
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(RetryAfterSeconds("", 0), -1);
  EXPECT_EQ(RetryAfterSeconds("soon", 0), -1);
  EXPECT_EQ(RetryAfterSeconds("-3", 0), -1);
  EXPECT_EQ(RetryAfterSeconds(" 2.5 ", 0), 2.5);
  EXPECT_EQ(RetryAfterSeconds("inf", 0), -1);
  EXPECT_EQ(RetryAfterSeconds("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30);
  EXPECT_EQ(RetryAfterSeconds("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0);
}

TEST(WaitSeconds, EndsAtAStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(WaitSeconds(1000, stop.get_token()));
  EXPECT_TRUE(WaitSeconds(0, {}));
}

}  // namespace
}  // namespace ks
