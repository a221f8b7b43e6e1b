#include "core/skill_record.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ks {
namespace {

TEST(SkillRecord, CountsUsesByTheirOutcome) {
  SkillRecord record;
  CountUse(CompileFailed{}, record);
  CountUse(Measured{.gain = {0.9, 1, 1.1}}, record);
  CountUse(Measured{.gain = {1.9, 2, 2.1}, .gain_significant = true}, record);
  EXPECT_EQ(record, (SkillRecord{3, 2, 1, std::log(2.0)}));
}

TEST(SkillRecord, SurvivesBeingWritten) {
  const SkillRecords records = {{"tile", {40, 30, 7, 0.1}}, {"a name with blanks", {1, 0, 0, 0}}};
  const Result<SkillRecords> back = SkillRecordsFromText(SkillRecordsToText(records));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, records);
  EXPECT_TRUE(SkillRecordsFromText("")->empty());
}

TEST(SkillRecord, RefusesWhatIsNoRecord) {
  for (const char* text :
       {"x", "1 1 1 0x0p+0", "1 2 1 0x0p+0 tile", "1 1 2 0x0p+0 tile", "-1 0 0 0x0p+0 tile",
        "1 1 1 nan tile", "1 1 1 0z tile", "9999999999 1 1 0x0p+0 tile"}) {
    const Result<SkillRecords> read = SkillRecordsFromText(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kDataLoss);
  }
}

TEST(SkillRecord, APriorKeepsSharesAndMeanGainsOfFewTries) {
  SkillRecords all = {{"tile", {80, 60, 40, 40 * std::log(1.5)}}, {"rare", {2, 1, 1, 0.5}}};
  all["tile"].paid = 3;
  const SkillRecords prior = AsPrior(all, 8);
  EXPECT_EQ(prior.at("tile").tried, 8);
  EXPECT_EQ(prior.at("tile").measured, 6);
  EXPECT_EQ(prior.at("tile").held, 4);
  EXPECT_EQ(prior.at("tile").paid, 0);
  EXPECT_NEAR(prior.at("tile").log_gain, 4 * std::log(1.5), 1e-12);
  EXPECT_EQ(prior.at("rare"), all.at("rare"));
}

TEST(SkillRecord, RecordsOfTwoRunsAddUp) {
  SkillRecords sum = {{"tile", {1, 1, 1, 0.5}}};
  AddRecords({{"tile", {2, 1, 0, 0}}, {"unroll", {3, 3, 3, 1}}}, sum);
  EXPECT_EQ(sum.at("tile"), (SkillRecord{3, 2, 1, 0.5}));
  EXPECT_EQ(sum.at("unroll"), (SkillRecord{3, 3, 3, 1}));
}

}  // namespace
}  // namespace ks
