#include "cli/llm_wiring.h"

#include <gtest/gtest.h>

#include "cli/config_file.h"
#include "propose/llm/exchange.h"
#include "store/memory_store.h"

namespace ks {
namespace {

constexpr char kSecret[] = "sk-0123456789";

Environment With(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? "" : found->second;
  };
}

ModelConfig Model(const std::string& key_env, const std::string& key_file) {
  ModelConfig model;
  model.name = "m";
  model.url = "http://127.0.0.1:1/v1";
  model.key_env = key_env;
  model.key_file = key_file;
  return model;
}

TEST(ModelKey, ComesFromTheEnvironmentOrAFile) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteAtomically("key", std::string(kSecret) + "\n").ok());
  EXPECT_EQ(*ReadModelKey(Model("", ""), files, With({})), "");
  EXPECT_EQ(*ReadModelKey(Model("A", ""), files, With({{"A", kSecret}})), kSecret);
  EXPECT_EQ(*ReadModelKey(Model("", "key"), files, With({})), kSecret);
}

TEST(ModelKey, FaultsAreSaidWithoutTheKey) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteAtomically("two", std::string(kSecret) + " words").ok());
  ASSERT_TRUE(files.WriteAtomically("none", " \n").ok());
  EXPECT_EQ(ReadModelKey(Model("A", ""), files, With({})).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadModelKey(Model("", "nowhere"), files, With({})).error().code, ErrorCode::kNotFound);
  for (const auto& [env, file] :
       std::map<std::string, std::string>{{"", "two"}, {"A", ""}, {"none", "none"}}) {
    const Result<std::string> key =
        ReadModelKey(Model(env, file), files, With({{"A", std::string(kSecret) + "\xff"}}));
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().message.find(kSecret), std::string::npos) << key.error().message;
  }
}

TEST(Proxy, IsTheOneForTheSchemeUnlessTheHostIsExcepted) {
  const Environment both = With({{"HTTPS_PROXY", "http://p:1"}, {"http_proxy", "http://q:2"}});
  EXPECT_EQ(ProxyFor("https://model.example/v1", both), "http://p:1");
  EXPECT_EQ(ProxyFor("http://model.example/v1", both), "http://q:2");
  EXPECT_EQ(ProxyFor("http://127.0.0.1:8000/v1", both), "");
  EXPECT_EQ(ProxyFor("https://model.example/v1",
                     With({{"https_proxy", "http://p:1"}, {"NO_PROXY", ".example"}})),
            "");
  EXPECT_EQ(ProxyFor("http://model.example/v1", With({{"HTTP_PROXY", "http://q:2"}})), "")
      << "a web server sets it from a request's Proxy header";
  EXPECT_EQ(ProxyFor("http://model.example/v1", With({{"ALL_PROXY", "http://a:3"}})), "http://a:3");
}

constexpr char kToml[] = R"([llm]
edit = "diff"
writer = "b"
budget_usd = 1.5
[[model]]
name = "a"
url = "https://host/v1"
key_env = "A_KEY"
price_in = 0.5
price_out = 2
temperature = 0.1
max_tokens = 500
weight = 2
extra = {chat_template_kwargs = {enable_thinking = false}, top_k = 20}
[[model]]
name = "b"
url = "http://other/v1"
)";

TEST(ModelsInToml, AreReadAndKeptInTheRecord) {
  const Result<RunConfig> read = ConfigFromToml(kToml, "c.toml", {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  const LlmConfig& llm = read->llm;
  EXPECT_EQ(llm.edit, "diff");
  EXPECT_EQ(llm.budget_usd, 1.5);
  ASSERT_EQ(llm.models.size(), 2u);
  EXPECT_EQ(llm.models[0].key_env, "A_KEY");
  EXPECT_EQ(llm.models[0].price_out, 2);
  EXPECT_EQ(llm.models[0].max_tokens, 500);
  EXPECT_EQ(llm.models[1].temperature, -1);
  const std::string json = ConfigToJson(*read);
  const Result<RunConfig> again = ConfigFromJson(json);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(ConfigToJson(*again), json);
  EXPECT_NE(again->llm.models[0].extra.find("\"enable_thinking\":false"), std::string::npos);
}

TEST(ModelsInToml, WhereAModelIsAskedDoesNotCountAsAnotherProtocol) {
  const RunConfig config = *ConfigFromToml(kToml, "c.toml", {});
  RunConfig other = config;
  other.llm.models[0].url = "https://elsewhere/v1";
  other.llm.models[0].key_file = "key";
  other.llm.budget_usd = 9;
  EXPECT_EQ(ConfigHash(other), ConfigHash(config));
  other.llm.models[0].temperature = 0.2;
  EXPECT_NE(ConfigHash(other), ConfigHash(config));
}

TEST(ModelsInToml, FaultsAreSaidWithTheirLine) {
  const auto fault = [](const std::string& text) {
    const Result<RunConfig> read = ConfigFromToml(text, "c.toml", {});
    return read.ok() ? "fine" : read.error().message;
  };
  const std::string model = "[[model]]\nname = 'a'\nurl = 'http://h'\n";
  EXPECT_EQ(fault(model), "fine");
  EXPECT_EQ(fault(model + "prize_in = 1"),
            "c.toml:4:1: unknown field 'prize_in' in [model]; did you mean 'price_in'?");
  EXPECT_EQ(fault("[[model]]\nname = 'a'"), "c.toml:1:1: a model needs a 'url'");
  EXPECT_EQ(fault("[model]\nname = 'a'"), "c.toml:1:1: models are tables of a list: [[model]]");
  EXPECT_EQ(fault(model + model), "c.toml:4:1: there are two models 'a'");
  EXPECT_NE(fault(model + "extra = 3").find("c.toml:4:9: 'extra' must be a table"),
            std::string::npos);
  EXPECT_NE(fault(model + "extra = {api_key = 'x'}").find("must not hold a key"),
            std::string::npos);
  EXPECT_NE(fault(model + "price_in = -1").find("c.toml:4:12: 'price_in' is -1"),
            std::string::npos);
  EXPECT_EQ(fault("[llm]\nedit = 'patch'"),
            "c.toml:2:8: 'edit' is \"patch\"; known: rewrite, diff");
  EXPECT_EQ(fault("[llm]\nwriter = 'b'\n" + model),
            "c.toml:2:10: 'writer' is 'b', which is no [[model]]");
}

TEST(Spent, IsCountedFromTheRecord) {
  MemoryStore store;
  Exchange exchange;
  exchange.step = 3;
  exchange.calls.resize(2);
  exchange.calls[0].answer.tries = 3;
  exchange.calls[1].error_code = "unavailable";
  CandidateProposed proposed;
  proposed.step = 3;
  proposed.use = ModelUse{"m", 0.25, 100, 10, *store.PutSource(ExchangeToJson(exchange))};
  Event event;
  event.body = proposed;
  const Result<Spending> spent = SpentIn({event, Event()}, store);
  ASSERT_TRUE(spent.ok()) << spent.error().message;
  EXPECT_EQ(*spent, (Spending{0.25, 110, 4}));
}

TEST(LlmProposers, NeedAModelWhoseSetupWorks) {
  RunConfig config;
  config.proposer = "llm";
  EXPECT_NE(MakeLlmProposer(config, {}).error().message.find("--server"), std::string::npos);
  config.llm.models = {Model("", "")};
  for (const char* name : {"llm", "scientist", "best_of_n"}) {
    config.proposer = name;
    const auto made = MakeLlmProposer(config, {});
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_TRUE((*made)->slow());
  }
  config.llm.models[0].url = "nonsense";
  EXPECT_EQ(MakeLlmProposer(config, {}).error().code, ErrorCode::kInvalidArgument);
  config.proposer = "replay";
  EXPECT_NE(MakeLlmProposer(config, {}).error().message.find("--answers"), std::string::npos);
}

}  // namespace
}  // namespace ks
