#include "propose/llm/http_embedder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/propose/llm/scripted_server.h"

namespace ks {
namespace {

constexpr char kEmbedKey[] = "sk-embed-0123456789";

// An embedder of one scripted server.
struct EmbeddingWorld {
  explicit EmbeddingWorld(ScriptedServer::Script script) : server(std::move(script)) {
    config.embedding_url = server.url();
    config.embedding_model = "e";
    config.embedding_timeout_s = 5;
  }
  std::unique_ptr<Embedder> Make() {
    auto made = NewHttpEmbedder(config, {.key = kEmbedKey},
                                [this](const std::string& text) { warnings.push_back(text); }, {});
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *std::move(made);
  }
  ScriptedServer server;
  NoveltyConfig config;
  std::vector<std::string> warnings;
};

TEST(HttpEmbedder, AsksForOneTextAndTakesItsVector) {
  EmbeddingWorld world([](const HttpRequest&, int) {
    return ScriptedReply{.body = R"({"data":[{"index":0,"embedding":[0.5,-1,2e-3]}]})",
                         .plain = true};
  });
  const auto embedder = world.Make();
  EXPECT_EQ(embedder->Embed("void f() {}"), (Embedding{0.5F, -1.0F, 2e-3F}));
  const HttpRequest request = world.server.requests().at(0);
  EXPECT_EQ(request.path, "/v1/embeddings");
  EXPECT_EQ(FindHeader(request.headers, "Authorization"), std::string("Bearer ") + kEmbedKey);
  const auto body = nlohmann::json::parse(request.body);
  EXPECT_EQ(body["model"], "e");
  EXPECT_EQ(body["input"][0], "void f() {}");
  EXPECT_TRUE(world.warnings.empty());
}

TEST(HttpEmbedder, WarnsOnceAndStopsAskingAServerThatDoesNotAnswer) {
  EmbeddingWorld world([](const HttpRequest&, int) {
    return ScriptedReply{.status = 500, .body = std::string("no, ") + kEmbedKey};
  });
  const auto embedder = world.Make();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(embedder->Embed("x"), std::nullopt);
  EXPECT_EQ(world.server.requests().size(), static_cast<size_t>(kMostSilentQuestions));
  ASSERT_EQ(world.warnings.size(), 1u);
  EXPECT_NE(world.warnings[0].find("status 500"), std::string::npos);
  EXPECT_EQ(world.warnings[0].find(kEmbedKey), std::string::npos);
}

TEST(HttpEmbedder, AnAnswerAfterAFailureCountsAgain) {
  EmbeddingWorld world([](const HttpRequest&, int number) {
    return number % 3 == 2 ? ScriptedReply{.body = R"({"data":[{"embedding":[1]}]})", .plain = true}
                           : ScriptedReply{.status = 429, .body = "later"};
  });
  const auto embedder = world.Make();
  for (int i = 0; i < 9; ++i) EXPECT_EQ(embedder->Embed("x").has_value(), i % 3 == 2) << i;
  EXPECT_EQ(world.warnings.size(), 1u);
}

TEST(HttpEmbedder, AServerThatIsNotThereIsNoReasonToStop) {
  EmbeddingWorld world([](const HttpRequest&, int) { return ScriptedReply{}; });
  world.config.embedding_url = "http://127.0.0.1:1/v1";
  EXPECT_EQ(world.Make()->Embed("x"), std::nullopt);
  EXPECT_EQ(world.warnings.size(), 1u);
}

TEST(HttpEmbedder, RefusesAnswersThatAreNoVector) {
  for (const char* body :
       {"", "{", "[]", "{}", R"({"data":[]})", R"({"data":[{"embedding":[]}]})",
        R"({"data":[{"embedding":"AAAA"}]})", R"({"data":[{"embedding":[1,"2"]}]})",
        R"({"data":[{"embedding":[1e300]}]})", R"({"data":{"0":{"embedding":[null]}}})"}) {
    EXPECT_FALSE(EmbeddingFromJson(body).ok()) << body;
  }
  EXPECT_TRUE(EmbeddingFromJson(R"({"data":[{"embedding":[1,2]}]})").ok());
}

TEST(HttpEmbedder, RefusesAddressesAndKeysThatCannotBe) {
  NoveltyConfig config;
  config.embedding_url = "no address";
  EXPECT_FALSE(NewHttpEmbedder(config, {}, [](const std::string&) {}, {}).ok());
  config.embedding_url = "http://127.0.0.1:1";
  EXPECT_FALSE(NewHttpEmbedder(config, {.key = "two words"}, [](const std::string&) {}, {}).ok());
}

}  // namespace
}  // namespace ks
