#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/event.h"
#include "tests/core/sample_events.h"

namespace ks {
namespace {

std::string WithChecksum(std::string bytes) {
  const uint64_t sum = Checksum64(bytes);
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(sum >> (8 * i)));
  return bytes;
}

std::string Hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

std::vector<Event> AllSamples() {
  std::vector<Event> events = SampleEvents();
  std::get<RunStarted>(events.front().body).prior_skills = "4 3 2 0x1p-1 tile_loops\n";
  CandidateProposed paid{.id = 11, .parent = 3, .skill = "m", .source_hash = "e5f6"};
  paid.use = ModelUse{"m-1", 0.25, 1200, 340, "abcd"};
  paid.refused = true;
  paid.normalized_hash = "9f86";
  paid.novelty_record = "c0de";
  events.push_back({.body = paid});
  Evaluation on_device;
  on_device.device = DeviceFeatures{.registers = 40, .occupancy = 0.5};
  on_device.profile = DeviceProfile{"model", "no ncu", "rows", "memory", 0.5, {{"bytes", 64, "B"}}};
  on_device.module =
      ModuleFacts{"full", "", "fp32", "fp64", 15, "", 0.75, {{"rows", 2, 3e4, true}}};
  events.push_back({.body = CandidateEvaluated{.id = 11, .evaluation = on_device}});
  return events;
}

TEST(EventBinary, EveryKindAndOutcomeSurvivesARoundTrip) {
  for (const Event& event : AllSamples()) {
    Event back{event.sequence, event.unix_ms, event.elapsed_s, {}};
    const Status read = EventBodyFromBinary(EventBodyToBinary(event), back);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(EventToJson(back), EventToJson(event));
  }
}

TEST(EventBinary, TheGoldenFileIsWhatIsWritten) {
  std::string written;
  for (const Event& event : AllSamples()) written += Hex(EventBodyToBinary(event)) + "\n";
  const std::string path = std::string(KS_SOURCE_DIR) + "/tests/golden/event_bodies_v1.hex";
  PosixFileSystem files;
  if (files.Read(path, kMaxTextFileBytes).value_or("") != written) {
    const std::string actual = testing::TempDir() + "/event_bodies_v1.hex";
    ASSERT_TRUE(files.WriteAtomically(actual, written).ok());
    FAIL() << path << " differs from " << actual
           << ". A change of a field list needs a new golden file; fields may only be added at the "
              "end.";
  }
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// Written before evaluations had a profile and the facts of a module, proposals a novelty record
// and runs prior skills.
TEST(EventBinary, BodiesWithFewerFieldsAreStillRead) {
  const std::string path = std::string(KS_SOURCE_DIR) + "/tests/golden/event_bodies_v1_first.hex";
  const Result<std::string> text = PosixFileSystem().Read(path, kMaxTextFileBytes);
  ASSERT_TRUE(text.ok()) << text.error().message;
  std::vector<Event> samples = AllSamples();
  for (Event& sample : samples) {
    auto* evaluated = std::get_if<CandidateEvaluated>(&sample.body);
    if (evaluated != nullptr) {
      evaluated->evaluation.profile.reset();
      evaluated->evaluation.module.reset();
    }
    if (auto* p = std::get_if<CandidateProposed>(&sample.body)) p->novelty_record.clear();
    if (auto* started = std::get_if<RunStarted>(&sample.body)) started->prior_skills.clear();
  }
  const std::vector<std::string_view> lines = SplitWords(*text);
  ASSERT_EQ(lines.size(), samples.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    Event back{samples[i].sequence, samples[i].unix_ms, samples[i].elapsed_s, {}};
    const Status read = EventBodyFromBinary(FromHex(lines[i]), back);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(EventToJson(back), EventToJson(samples[i]));
  }
}

TEST(EventBinary, FieldsThatTheWriterDidNotKnowKeepTheirDefaults) {
  Event event;
  const Status read = EventBodyFromBinary(WithChecksum({1, 5, 0}), event);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::get<RunResumed>(event.body).version, "");
}

TEST(EventBinary, FieldsThatTheReaderDoesNotKnowAreADataLoss) {
  Event event;
  EXPECT_FALSE(EventBodyFromBinary(WithChecksum({1, 5, 2, 0, 0}), event).ok());
}

TEST(EventBinary, ACutOrChangedByteIsADataLoss) {
  for (const Event& event : AllSamples()) {
    const std::string whole = EventBodyToBinary(event);
    Event back;
    for (size_t length = 0; length < whole.size(); ++length) {
      EXPECT_FALSE(EventBodyFromBinary(whole.substr(0, length), back).ok()) << length;
    }
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 0x40);
      const Status read = EventBodyFromBinary(changed, back);
      ASSERT_FALSE(read.ok()) << at;
      EXPECT_EQ(read.error().code, ErrorCode::kDataLoss);
    }
  }
}

// As an adversary could write it: any bytes under a checksum that fits.
TEST(EventBinary, AnyBytesUnderAFittingChecksumAreReadOrRefused) {
  for (const Event& event : AllSamples()) {
    const std::string whole = EventBodyToBinary(event);
    const std::string body = whole.substr(0, whole.size() - 4);
    for (size_t at = 1; at < body.size(); ++at) {
      for (const char byte : {'\0', '\x01', '\x7F', '\x80', '\xFF'}) {
        std::string changed = body;
        changed[at] = byte;
        Event back;
        const Status read = EventBodyFromBinary(WithChecksum(changed), back);
        EXPECT_TRUE(read.ok() || read.error().code == ErrorCode::kDataLoss);
      }
    }
  }
}

TEST(EventBinary, IsAFractionOfTheJson) {
  const Event event = SampleEvents()[2];
  EXPECT_LT(3 * EventBodyToBinary(event).size(), 2 * EventToJson(event).size());
}

}  // namespace
}  // namespace ks
