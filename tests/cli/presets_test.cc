#include "cli/presets.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/config_file.h"
#include "core/config_check.h"

namespace ks {
namespace {

RunConfig Of(const std::string& name) {
  const Result<RunConfig> config = ConfigFromPreset(name);
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? *config : RunConfig{};
}

TEST(Presets, AreValidAndDifferFromEachOtherAndSayWhatTheyAreFor) {
  std::set<std::string> seen = {ConfigToJson({})};
  for (const Preset& preset : Presets()) {
    const RunConfig config = Of(preset.name);
    EXPECT_FALSE(FindContradiction(config)) << preset.name;
    EXPECT_TRUE(seen.insert(ConfigToJson(config)).second) << preset.name;
    EXPECT_GT(AboutPreset(preset).size(), 20u) << preset.name;
    EXPECT_EQ(preset.text[0], '#') << preset.name;
    EXPECT_GT(config.max_steps + static_cast<int64_t>(config.max_minutes), 0)
        << "it ends by itself";
  }
  EXPECT_EQ(seen.size(), 5u);
}

TEST(Presets, PaperIsThePublishedProtocol) {
  const RunConfig paper = Of("paper");
  EXPECT_EQ(paper.max_steps, 40);
  EXPECT_EQ(paper.llm.temperature, 0.6);
  EXPECT_EQ(paper.llm.top_p, 0.95);
  EXPECT_EQ(paper.llm.max_prompt_tokens, 32768);
  EXPECT_EQ(paper.llm.max_answer_tokens, 32768);
  EXPECT_EQ(paper.llm.edit, "rewrite");
  EXPECT_EQ(paper.archive.kind, "grid");
}

TEST(Presets, AreChangedByAFileOnTop) {
  const Result<RunConfig> config =
      ConfigFromToml("[search]\nislands = 2\n", "k.toml", Of("openevolve"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->search.islands, 2);
  EXPECT_EQ(config->search.migration_interval, 50);
  EXPECT_EQ(config->llm.edit, "diff");
}

TEST(Presets, UnknownOnesGetAHint) {
  const Result<RunConfig> config = ConfigFromPreset("papr");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, ErrorCode::kNotFound);
  EXPECT_NE(config.error().message.find("did you mean 'paper'?"), std::string::npos);
}

}  // namespace
}  // namespace ks
