#include "cli/config_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/config_fields.h"

namespace ks {
namespace {

std::string ErrorOf(const std::string& toml) {
  const Result<RunConfig> config = ConfigFromToml(toml, "k.toml", {});
  EXPECT_FALSE(config.ok());
  if (config.ok()) return "";
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
  return config.error().message;
}

TEST(ConfigFile, SetsTheFieldsItNamesAndKeepsTheOthers) {
  RunConfig before;
  before.in_flight = 5;
  const Result<RunConfig> config = ConfigFromToml(
      "[search]\nislands = 4\nelite_probability = 0.5\n[evaluation]\nmemory_limit_bytes = "
      "1073741824\n"
      "[run]\nseed = 9\nmax_minutes = 3\nproposer = \"builtin\"\n",
      "k.toml", before);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->search.islands, 4);
  EXPECT_EQ(config->search.elite_probability, 0.5);
  EXPECT_EQ(config->evaluation.memory_limit_bytes, int64_t{1} << 30);
  EXPECT_EQ(config->seed, 9u);
  EXPECT_EQ(config->max_minutes, 3);
  EXPECT_EQ(config->in_flight, 5);
  EXPECT_EQ(config->search.inspirations, RunConfig{}.search.inspirations);
}

TEST(ConfigFile, SaysWhereMalformedTomlBreaks) {
  EXPECT_EQ(ErrorOf("[search]\nislands = = 4\n").rfind("k.toml:2:11: ", 0), 0u);
}

TEST(ConfigFile, SaysWhereAnUnknownFieldIsAndWhatWasMeant) {
  const std::string error = ErrorOf("[search]\n  islnads = 4\n");
  EXPECT_EQ(error.rfind("k.toml:2:3: ", 0), 0u) << error;
  EXPECT_NE(error.find("did you mean 'islands'?"), std::string::npos) << error;
}

TEST(ConfigFile, RefusesUnknownTablesAndValuesOutsideOfTables) {
  EXPECT_NE(ErrorOf("[serch]\n").find("did you mean 'search'?"), std::string::npos);
  EXPECT_NE(ErrorOf("search = 4\n").find("must be a table"), std::string::npos);
}

TEST(ConfigFile, RefusesWrongTypesAndRanges) {
  EXPECT_NE(ErrorOf("[search]\nislands = 1.5\n").find("must be an integer"), std::string::npos);
  EXPECT_NE(ErrorOf("[search]\nislands = \"4\"\n").find("k.toml:2:11"), std::string::npos);
  EXPECT_NE(ErrorOf("[search]\nislands = 0\n").find("must be in [1, 64]"), std::string::npos);
  EXPECT_NE(ErrorOf("[evaluation]\nconfidence = nan\n").find("must be in"), std::string::npos);
  EXPECT_NE(ErrorOf("[run]\nbackend = 3\n").find("must be a string"), std::string::npos);
  EXPECT_NE(ErrorOf("[evaluation]\nmin_pairs = 9\nmax_pairs = 5\n").find("above max_pairs"),
            std::string::npos);
}

TEST(ConfigFile, RefusesNamesThatItDoesNotKnow) {
  const std::string error = ErrorOf("[archive]\nkind = \"gird\"\n");
  EXPECT_EQ(error.rfind("k.toml:2:8: ", 0), 0u) << error;
  EXPECT_NE(error.find("did you mean 'grid'?"), std::string::npos) << error;
  EXPECT_NE(ErrorOf("[search]\npolicy = \"\"\n").find("power_law"), std::string::npos);
}

TEST(ConfigFile, RefusesContradictionsWhereTheyStand) {
  const std::string shares =
      ErrorOf("[search]\nislands = 2\nelite_probability = 0.7\nuniform_probability = 0.4\n");
  EXPECT_EQ(shares.rfind("k.toml:3:21: ", 0), 0u) << shares;
  EXPECT_NE(shares.find("add up to 1.1"), std::string::npos) << shares;
  EXPECT_EQ(ErrorOf("[search]\nuniform_probability = 0.4\n").rfind("k.toml:2:23: ", 0), 0u)
      << "against the default of the other field";
  EXPECT_NE(
      ErrorOf("[search]\nislands = 1\nrestart_after = 5\nrestart_from = \"island\"\n").find("4:16"),
      std::string::npos);
}

TEST(ConfigFile, RefusesFieldsThatWouldDoNothing) {
  const std::string error = ErrorOf("[archive]\nkind = \"grid\"\npopulation = 9\n");
  EXPECT_EQ(error.rfind("k.toml:3:14: ", 0), 0u) << error;
  EXPECT_NE(error.find("does nothing without kind = \"flat\""), std::string::npos) << error;
  for (const char* toml : {"[archive]\ncvt_cells = 9\n", "[search]\npower_alpha = 2\n",
                           "[search]\nexploration = 2\n", "[search]\nrestart_from = \"seed\"\n",
                           "[search]\npolicy = \"uct\"\nelite_probability = 0.1\n"}) {
    EXPECT_NE(ErrorOf(toml).find("does nothing"), std::string::npos) << toml;
  }
  RunConfig flat;
  flat.archive.kind = "flat";
  EXPECT_TRUE(ConfigFromToml("[archive]\npopulation = 9\n", "k.toml", flat).ok());
}

TEST(ConfigFile, JsonKeepsEveryField) {
  RunConfig config;
  int number = 2;
  VisitConfigFields(config, [&](const ConfigField& field, auto& member) {
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::string>) {
      const std::string choices = field.choices;
      member = choices.empty() ? "name" + std::to_string(number++)
                               : choices.substr(choices.rfind('|') + 1);
    } else {
      member = static_cast<std::decay_t<decltype(member)>>(number++);
    }
  });
  const Result<RunConfig> back = ConfigFromJson(ConfigToJson(config));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(ConfigToJson(*back), ConfigToJson(config));
  EXPECT_EQ(back->proposer, config.proposer);
  EXPECT_EQ(back->evaluation.timed_output_checks, config.evaluation.timed_output_checks);
}

TEST(ConfigFile, RecordedConfigurationThatIsNotJsonIsDataLoss) {
  EXPECT_EQ(ConfigFromJson("{").error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(ConfigFromJson("{\"run\":{\"jobs\":\"two\"}}").error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(ConfigFromJson("{\"archive\":{\"kind\":\"cube\"}}").error().code, ErrorCode::kDataLoss);
}

TEST(ConfigFile, JobsMeansStepsInFlightAndWorkers) {
  const Result<RunConfig> written = ConfigFromToml("[run]\njobs = 7\nworkers = 3\n", "k.toml", {});
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->in_flight, 7);
  EXPECT_EQ(written->workers, 3);
  const Result<RunConfig> old = ConfigFromJson("{\"run\":{\"jobs\":5}}");
  ASSERT_TRUE(old.ok()) << old.error().message;
  EXPECT_EQ(old->in_flight, 5);
  EXPECT_EQ(old->workers, 5);
  EXPECT_NE(ErrorOf("[run]\njobs = 0\n").find("must be in [1, 256]"), std::string::npos);
}

TEST(ConfigFile, HashChangesWithWhatARunDoesButNotWithItsLimits) {
  RunConfig longer;
  longer.max_minutes = 10;
  longer.max_steps = 99;
  longer.until_speedup = 3;
  longer.workers = 7;
  EXPECT_EQ(ConfigHash(longer), ConfigHash({}));
  RunConfig other;
  other.search.repair_probability = 0.06;
  EXPECT_NE(ConfigHash(other), ConfigHash({}));
}

TEST(ConfigFile, OperationsDocumentGivesEveryFieldWithItsDefault) {
  std::ifstream file(KS_SOURCE_DIR "/docs/operations.md");
  std::ifstream models(KS_SOURCE_DIR "/docs/llm.md");  // [llm] has a document of its own
  const std::string text = std::string(std::istreambuf_iterator<char>(file), {}) +
                           std::string(std::istreambuf_iterator<char>(models), {});
  const RunConfig config;
  VisitConfigFields(config, [&](const ConfigField& field, const auto& member) {
    constexpr bool kIsText = std::is_same_v<std::decay_t<decltype(member)>, std::string>;
    const std::string value = kIsText ? fmt::format("`{}`", member) : fmt::format("{}", member);
    const std::string row = fmt::format("| `{}` | {} |", field.name, value);
    EXPECT_NE(text.find(row), std::string::npos) << row;
  });
}

}  // namespace
}  // namespace ks
