#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "core/event.h"
#include "tests/core/sample_events.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

Evaluation WithAllowed(double allowed) { return {.outcome = WrongResult{.allowed = allowed}}; }

double AllowedAfterRoundTrip(double allowed) {
  const Result<Evaluation> read = EvaluationFromJson(EvaluationToJson(WithAllowed(allowed)));
  KS_CHECK(read.ok());
  return std::get<WrongResult>(read->outcome).allowed;
}

// The sample event that holds a measured evaluation, as JSON to be damaged.
Json MeasuredEvent() { return Json::parse(EventToJson(SampleEvents()[2])); }

std::string FaultOf(const Json& json) {
  const Result<Event> read = EventFromJson(json.dump());
  if (read.ok()) return "";
  EXPECT_EQ(read.error().code, ErrorCode::kDataLoss);
  return read.error().message;
}

TEST(EventJson, FieldsThatOldRecordsLackAreLeftOutWhileTheyAreEmpty) {
  CandidateProposed proposed{.id = 1, .skill = "tile", .source_hash = "e5f6"};
  Event event{.sequence = 1, .body = proposed};
  const std::string plain = EventToJson(event);
  for (const char* name : {"\"use\"", "\"refused\"", "\"normalized_hash\""}) {
    EXPECT_EQ(plain.find(name), std::string::npos) << name;
  }
  proposed.use = ModelUse{"m-1", 0.25, 1200, 340, "abcd"};
  proposed.refused = true;
  proposed.normalized_hash = "9f86";
  event.body = proposed;
  const Result<Event> back = EventFromJson(EventToJson(event));
  ASSERT_TRUE(back.ok()) << back.error().message;
  const auto& read = std::get<CandidateProposed>(back->body);
  EXPECT_EQ(read.use, proposed.use);
  EXPECT_TRUE(read.refused);
  EXPECT_EQ(read.normalized_hash, "9f86");
  const Result<Event> old = EventFromJson(plain);
  ASSERT_TRUE(old.ok()) << old.error().message;
  EXPECT_FALSE(std::get<CandidateProposed>(old->body).use.has_value());
}

TEST(EventJson, EveryKindAndOutcomeSurvivesARoundTrip) {
  const std::vector<Event> events = SampleEvents();
  ASSERT_EQ(events.size(), 1 + 2 * std::variant_size_v<Outcome> + 1 + 2);
  for (const Event& event : events) {
    const std::string json = EventToJson(event);
    const Result<Event> read = EventFromJson(json);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(EventToJson(*read), json);
    EXPECT_EQ(read->body.index(), event.body.index());
    EXPECT_EQ(read->sequence, event.sequence);
  }
}

TEST(EventJson, EveryFieldIsRead) {
  // Reading into default objects and writing again shows a field that the reader forgets; this
  // looks at some directly, so that a field which writer and reader both forget is found too.
  const Result<Event> started = EventFromJson(EventToJson(SampleEvents()[0]));
  ASSERT_TRUE(started.ok()) << started.error().message;
  const RunStarted& body = std::get<RunStarted>(started->body);
  EXPECT_EQ(body.seed, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(body.machine.isa, (std::vector<std::string>{"avx2", "fma"}));
  EXPECT_EQ(body.machine.id, "9f86d081");
  const Result<Event> evaluated = EventFromJson(EventToJson(SampleEvents()[2]));
  ASSERT_TRUE(evaluated.ok()) << evaluated.error().message;
  const Evaluation& evaluation = std::get<CandidateEvaluated>(evaluated->body).evaluation;
  EXPECT_EQ(evaluation.features, SampleEvaluation({}).features);
  EXPECT_EQ(evaluation.held_out.at(0).samples_ns, SampleTiming().samples_ns);
  EXPECT_EQ(AsMeasured(evaluation.outcome)->gain, (Interval{1.2, 1.25, 1.3}));
  EXPECT_EQ(evaluation.warnings.at(0).column, 9);
}

TEST(EventJson, IsTheGoldenFormatOne) {
  const std::string path = std::string(KS_SOURCE_DIR) + "/tests/golden/events_v1.jsonl";
  std::string now;
  for (const Event& event : SampleEvents()) now += EventToJson(event) + "\n";
  PosixFileSystem files;
  const Result<std::string> golden = files.Read(path, kMaxTextFileBytes);
  if (!golden.ok() || *golden != now) {
    const std::string actual = testing::TempDir() + "/events_v1.jsonl";
    ASSERT_TRUE(files.WriteAtomically(actual, now).ok());
    FAIL() << path << " differs from " << actual
           << ". A change of the format needs a new format number and a migration.";
  }
}

TEST(EventJson, DoublesSurviveBitForBit) {
  for (const double value : {0.0, -0.0, 0.1, 1.0 / 3, DBL_MIN, DBL_MAX, -DBL_MAX, DBL_TRUE_MIN,
                             0x1.fffffffffffffp-2, 1e15, 9007199254740993.0, 1e300}) {
    const double back = AllowedAfterRoundTrip(value);
    EXPECT_EQ(back, value);
    EXPECT_EQ(std::signbit(back), std::signbit(value)) << value;
  }
}

TEST(EventJson, InfinitiesAndNaNSurvive) {
  EXPECT_EQ(AllowedAfterRoundTrip(HUGE_VAL), HUGE_VAL);
  EXPECT_EQ(AllowedAfterRoundTrip(-HUGE_VAL), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(AllowedAfterRoundTrip(NAN)));
}

TEST(EventJson, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const Evaluation evaluation{.outcome = CompileFailed{.log = "bad \xFF\xC3 text"}};
  const Result<Evaluation> read = EvaluationFromJson(EvaluationToJson(evaluation));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::get<CompileFailed>(read->outcome).log, "bad \xEF\xBF\xBD\xEF\xBF\xBD text");
}

TEST(EventJson, ZeroBytesInsideStringsSurvive) {
  const std::string log("a\0b\x1b[31m", 8);
  const Evaluation evaluation{.outcome = CompileFailed{.log = log}};
  const Result<Evaluation> read = EvaluationFromJson(EvaluationToJson(evaluation));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::get<CompileFailed>(read->outcome).log, log);
}

TEST(EventJson, UnknownExtraFieldsAreTolerated) {
  Json json = MeasuredEvent();
  json["note"] = {1, 2, {{"deep", nullptr}}};
  json["body"]["evaluation"]["outcome"]["timings"][0]["energy_j"] = 0.5;
  const Result<Event> read = EventFromJson(json.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(EventToJson(*read), EventToJson(SampleEvents()[2]));
}

TEST(EventJson, TheOrderOfFieldsDoesNotMatter) {
  const nlohmann::json sorted = nlohmann::json::parse(EventToJson(SampleEvents()[2]));
  const Result<Event> read = EventFromJson(sorted.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(EventToJson(*read), EventToJson(SampleEvents()[2]));
}

TEST(EventJson, AMissingFieldIsNamedWithItsPath) {
  Json json = MeasuredEvent();
  json["body"]["evaluation"]["outcome"]["timings"][0].erase("cv");
  EXPECT_EQ(FaultOf(json),
            "stored event is not readable: "
            "field 'body.evaluation.outcome.timings[0].cv' is missing");
}

TEST(EventJson, EveryMissingFieldIsADataLoss) {
  const Json whole = MeasuredEvent();
  const auto paths = whole.flatten();
  int removed = 0;
  for (const auto& [pointer, value] : paths.items()) {
    const Json::json_pointer path(pointer);
    Json damaged = whole;
    Json& parent = damaged.at(path.parent_pointer());
    if (!parent.is_object()) continue;  // an array with one sample less is not damage
    parent.erase(path.back());
    EXPECT_NE(FaultOf(damaged).find(path.back()), std::string::npos) << pointer;
    ++removed;
  }
  EXPECT_GT(removed, 40);
}

TEST(EventJson, AFieldOfTheWrongTypeIsNamedWithWhatItMustBe) {
  const auto fault_with = [](const char* pointer, const Json& value) {
    Json json = MeasuredEvent();
    json[Json::json_pointer(pointer)] = value;
    return FaultOf(json);
  };
  const std::string head = "stored event is not readable: field ";
  EXPECT_EQ(fault_with("/sequence", "3"),
            head +
                "'sequence' must be a whole number from -9223372036854775808 to "
                "9223372036854775807");
  EXPECT_EQ(fault_with("/sequence", 3.0).substr(0, head.size() + 10), head + "'sequence'");
  EXPECT_EQ(fault_with("/elapsed_s", "fast"),
            head + "'elapsed_s' must be a number, \"nan\", \"inf\" or \"-inf\"");
  EXPECT_EQ(fault_with("/body/evaluation/outcome/confirmed", 1),
            head + "'body.evaluation.outcome.confirmed' must be true or false");
  EXPECT_EQ(fault_with("/body/evaluation/flags", nullptr),
            head + "'body.evaluation.flags' must be a string");
  EXPECT_EQ(fault_with("/body/evaluation/warnings", Json::object()),
            head + "'body.evaluation.warnings' must be an array");
  EXPECT_EQ(fault_with("/body/evaluation/seconds", Json::array()),
            head + "'body.evaluation.seconds' must be an object");
}

TEST(EventJson, IntegersOutOfRangeAreRefusedAndNotWrapped) {
  const auto fault_with = [](size_t index, const char* pointer, const Json& value) {
    Json json = Json::parse(EventToJson(SampleEvents()[index]));
    json[Json::json_pointer(pointer)] = value;
    return FaultOf(json);
  };
  EXPECT_NE(fault_with(0, "/body/jobs", 2147483648), "");
  EXPECT_NE(fault_with(0, "/body/seed", -1), "");
  EXPECT_NE(fault_with(0, "/sequence", 0x8000000000000000u), "");
  EXPECT_EQ(fault_with(0, "/body/jobs", 2147483647), "");
  EXPECT_EQ(fault_with(0, "/body/seed", 0), "");
}

TEST(EventJson, AnUnknownKindIsNamed) {
  Json json = MeasuredEvent();
  json["body"]["evaluation"]["outcome"]["kind"] = "melted";
  EXPECT_EQ(FaultOf(json),
            "stored event is not readable: field 'body.evaluation.outcome.kind' has the unknown "
            "value 'melted'");
  json = MeasuredEvent();
  json["body"]["kind"] = "";
  EXPECT_NE(FaultOf(json).find("'body.kind'"), std::string::npos);
}

TEST(EventJson, WhatIsNotAnObjectIsADataLoss) {
  for (const char* text : {"", "null", "[]", "7", "{", "{\"sequence\":1", "\xFF", "{} {}"}) {
    const Result<Event> read = EventFromJson(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kDataLoss) << text;
  }
}

TEST(EventJson, EveryPrefixOfAnEventIsADataLoss) {
  const std::string json = EventToJson(SampleEvents()[2]);
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(EventFromJson(json.substr(0, size)).ok()) << size;
  }
}

TEST(EventJson, DeepNestingDoesNotOverflowTheStack) {
  std::string json(100'000, '[');
  EXPECT_FALSE(EventFromJson(json).ok());
  json += std::string(100'000, ']');
  EXPECT_FALSE(EventFromJson(json).ok());
}

TEST(EventKindName, NamesEachKind) {
  EXPECT_STREQ(EventKindName({.body = RunStarted{}}), "run_started");
  EXPECT_STREQ(EventKindName({.body = CandidateProposed{}}), "candidate_proposed");
  EXPECT_STREQ(EventKindName({.body = CandidateEvaluated{}}), "candidate_evaluated");
  EXPECT_STREQ(EventKindName({.body = BaselineChosen{}}), "baseline_chosen");
  EXPECT_STREQ(EventKindName({.body = RunStopped{}}), "run_stopped");
  EXPECT_STREQ(EventKindName({.body = RunResumed{}}), "run_resumed");
}

}  // namespace
}  // namespace ks
