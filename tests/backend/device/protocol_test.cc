#include "backend/device/protocol.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/rng.h"
#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

// Encodes, decodes and encodes again.
template <typename T>
std::string RoundTrip(const T& message) {
  const std::string bytes = Encode(message);
  T read;
  const Status status = Decode(bytes, &read);
  EXPECT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(Encode(read), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    T part;
    EXPECT_FALSE(Decode(std::string_view(bytes).substr(0, size), &part).ok()) << size;
  }
  T more;
  EXPECT_FALSE(Decode(bytes + "x", &more).ok());
  return bytes;
}

TaskLayout SampleLayout() {
  const auto layout = LayoutOf(DeviceScaleTask());
  EXPECT_TRUE(layout.ok());
  return *layout;
}

TEST(DeviceProtocol, EveryMessageComesBackAsItWasSent) {
  RoundTrip(OpenRequest{"cuda", 3, "/lib/nvrtc", std::string("\0\1", 2), true});
  OpenAnswer answer;
  answer.info.name = "NVIDIA H200";
  answer.info.l2_bytes = int64_t{50} << 20;
  answer.helper_image = "image";
  RoundTrip(answer);
  RoundTrip(SampleLayout());
  RoundTrip(ContentsRequest{1, 77, 4096, {{0, 5}, {256, 7}}});
  RoundTrip(CallRequest{4, 1, 99, 4096, {{0, 8}}});
  PairsMessage pairs;
  pairs.pairs = {1, 2, 3, 4, 5, 6, 7.5};
  pairs.tolerance.scale = 0.25;
  RoundTrip(pairs);
  LoadedProgram loaded;
  loaded.handle = 5;
  loaded.features.registers = 64;
  RoundTrip(loaded);
  PairRound round;
  round.pairs = {{10, 11, false}, {12, 13, true}};
  round.rival_broken_guard = OutOfBounds{"w", "c", "write past end"};
  RoundTrip(round);
  Agreement agreement;
  agreement.outputs = {{1, 2, 3, 4, 5, 6, 7, 8}};
  RoundTrip(agreement);
  RoundTrip(Error{ErrorCode::kDataLoss, "gone"});
}

TEST(DeviceProtocol, EveryFaultComesBackAsItWasSent) {
  RoundTrip(Outcome(CompileFailed{{}, "log"}));
  RoundTrip(Outcome(LaunchFailed{"reason"}));
  RoundTrip(Outcome(OutOfBounds{"w", "b", "a"}));
  RoundTrip(Outcome(Crashed{"w", 11, "d"}));
  const std::string bytes = RoundTrip(Outcome(OutOfMemory{"device", 12}));
  Outcome outcome;
  ASSERT_TRUE(Decode(bytes, &outcome).ok());
  EXPECT_EQ(std::get_if<OutOfMemory>(&outcome)->requested_bytes, 12);
}

TEST(DeviceProtocol, HostileBytesAreRefusedWithoutHarm) {
  Rng rng(11);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(rng.Below(120), '\0');
    for (char& byte : bytes) byte = static_cast<char>(rng.Chance(0.5) ? 0xFF : rng.Next());
    TaskLayout layout;
    PairRound pairs;
    Agreement agreement;
    Outcome outcome;
    OpenAnswer answer;
    // Short random bytes claim more than there is.
    EXPECT_FALSE(Decode(bytes, &layout).ok() && bytes.size() < 16);
    (void)Decode(bytes, &pairs);
    (void)Decode(bytes, &agreement);
    (void)Decode(bytes, &outcome);
    (void)Decode(bytes, &answer);
  }
  // A list that says it has four billion items.
  std::string huge(4, '\xFF');
  Agreement agreement;
  EXPECT_FALSE(Decode(huge, &agreement).ok());
}

TEST(DeviceProtocol, ExchangeIsForDataAndNotForStructures) {
  Task task = DeviceScaleTask();
  task.inputs[0].fill.kind = "labels";
  const auto layout = LayoutOf(task);
  ASSERT_TRUE(layout.ok());
  EXPECT_TRUE(layout->inputs[0].exchange);
  EXPECT_FALSE(layout->inputs[1].exchange) << "a scalar";
  EXPECT_FALSE(layout->inputs[2].exchange) << "row pointers";
  EXPECT_EQ(layout->workloads[2].output_counts[0], 20000U);
  EXPECT_EQ(layout->feature_workload, 2U);
}

class FrameTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()), 0);
  }
  void TearDown() override {
    for (const int end : ends_) close(end);
  }
  std::array<int, 2> ends_{};
};

TEST_F(FrameTest, CarriesAPayload) {
  ASSERT_TRUE(WriteFrame(ends_[0], 7, "payload").ok());
  const auto frame = ReadFrame(ends_[1]);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->what, 7U);
  EXPECT_EQ(frame->payload, "payload");
}

TEST_F(FrameTest, RefusesAnotherVersionAndAbsurdLengths) {
  FrameHeader header;
  header.version = kDeviceProtocolVersion + 1;
  ASSERT_EQ(send(ends_[0], &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  EXPECT_EQ(ReadFrame(ends_[1]).error().code, ErrorCode::kDataLoss);
  header.version = kDeviceProtocolVersion;
  header.bytes = ~uint64_t{0};
  ASSERT_EQ(send(ends_[0], &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  EXPECT_EQ(ReadFrame(ends_[1]).error().code, ErrorCode::kDataLoss);
}

TEST_F(FrameTest, EndOfTheOtherSideIsAnError) {
  FrameHeader header;
  header.bytes = 100;
  ASSERT_EQ(send(ends_[0], &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  shutdown(ends_[0], SHUT_RDWR);
  EXPECT_EQ(ReadFrame(ends_[1]).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(WriteFrame(ends_[0], 1, "x").ok());
}

}  // namespace
}  // namespace ks
