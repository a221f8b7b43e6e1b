#include "base/result.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace ks {
namespace {

const Error kLost{ErrorCode::kDataLoss, "lost"};

Result<int> Half(int n) {
  if (n % 2 != 0) return Error{ErrorCode::kInvalidArgument, "odd"};
  return n / 2;
}

Result<int> Quarter(int n) {
  KS_ASSIGN_OR_RETURN(const int half, Half(n));
  KS_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status Check(const Status& status, int& calls) {
  KS_RETURN_IF_ERROR(status);
  ++calls;
  return {};
}

Result<std::unique_ptr<int>> Make(bool fail) {
  if (fail) return kLost;
  return std::make_unique<int>(7);
}

Result<std::unique_ptr<int>> PassOn(bool fail) {
  KS_ASSIGN_OR_RETURN(std::unique_ptr<int> value, Make(fail));
  ++*value;
  return value;
}

Status LookAt(const Result<std::unique_ptr<int>>& result) {
  KS_RETURN_IF_ERROR(result);  // must not copy what it looks at
  return {};
}

TEST(Result, HoldsAValueOrTheErrorThatWasReturned) {
  const Result<int> value = 5;
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, 5);
  const Result<int> error = kLost;
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(error.error().message, "lost");
  EXPECT_EQ(error.value_or(3), 3);
  EXPECT_EQ(value.value_or(3), 5);
}

TEST(Result, AssignOrReturnHandsOnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(7).error().message, "odd");
  EXPECT_EQ(Quarter(6).error().message, "odd");
}

TEST(Result, ReturnIfErrorStopsOnlyOnErrors) {
  int calls = 0;
  EXPECT_TRUE(Check({}, calls).ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Check(kLost, calls).error().message, "lost");
  EXPECT_EQ(calls, 1);
}

TEST(Result, MoveOnlyValuesPassThroughTheMacros) {
  EXPECT_EQ(**PassOn(false), 8);
  EXPECT_EQ(PassOn(true).error().code, ErrorCode::kDataLoss);
  EXPECT_TRUE(LookAt(Make(false)).ok());
  EXPECT_FALSE(LookAt(Make(true)).ok());
}

TEST(Error, ContextGoesInFrontAndTheCodeStays) {
  const Error error = kLost.Under("reading x").Under("resuming run");
  EXPECT_EQ(error.message, "resuming run: reading x: lost");
  EXPECT_EQ(error.code, ErrorCode::kDataLoss);
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::vector<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.push_back(ErrorCodeName(static_cast<ErrorCode>(code)));
    EXPECT_NE(names.back(), "unknown") << code;
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

TEST(ResultDeathTest, TheValueOfAnErrorIsABug) {
  EXPECT_DEATH(static_cast<void>(*Result<int>(kLost)), "KS_CHECK failed");
  EXPECT_DEATH(static_cast<void>(Result<int>(5).error()), "KS_CHECK failed");
  EXPECT_DEATH(static_cast<void>(Status().error()), "KS_CHECK failed");
}

}  // namespace
}  // namespace ks
