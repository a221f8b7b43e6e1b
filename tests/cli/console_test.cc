#include "cli/console.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace ks {
namespace {

TEST(Console, WhatTheUserGaveWrongIsUsageAndTheRestIsFailure) {
  const Console console;
  EXPECT_EQ(console.Fail({ErrorCode::kInvalidArgument, "x"}), kExitUsage);
  EXPECT_EQ(console.Fail({ErrorCode::kNotFound, "x"}), kExitUsage);
  for (const ErrorCode code :
       {ErrorCode::kFailedPrecondition, ErrorCode::kUnavailable, ErrorCode::kResourceExhausted,
        ErrorCode::kDataLoss, ErrorCode::kCancelled, ErrorCode::kInternal}) {
    EXPECT_EQ(console.Fail({code, "x"}), kExitFailed) << ErrorCodeName(code);
  }
}

TEST(Console, ErrorsNameTheProgram) {
  testing::internal::CaptureStderr();
  Console().Fail({ErrorCode::kNotFound, "there is no run in 'x'"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ksmith: there is no run in 'x'\n");
}

}  // namespace
}  // namespace ks
