#include "core/expr.h"

#include <gtest/gtest.h>

#include <string>

namespace ks {
namespace {

double Value(std::string_view text) {
  const auto value = EvaluateExpr(text, {{"m", 7}, {"rows", 5}});
  EXPECT_TRUE(value.ok()) << (value.ok() ? "" : value.error().message);
  return value.value_or(-12345);
}

std::string Complaint(std::string_view text) {
  const auto value = EvaluateExpr(text, {{"m", 7}, {"rows", 5}});
  EXPECT_FALSE(value.ok()) << text;
  if (value.ok()) return "";
  EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument);
  return value.error().message;
}

TEST(Expr, FollowsTheUsualPrecedence) {
  EXPECT_EQ(Value("2 + 3 * 4"), 14);
  EXPECT_EQ(Value("(2 + 3) * 4"), 20);
  EXPECT_EQ(Value("10 - 3 - 2"), 5);
  EXPECT_EQ(Value("16 / 4 / 2"), 2);
  EXPECT_EQ(Value("-m + 1"), -6);
  EXPECT_EQ(Value("2 - -m"), 9);
}

TEST(Expr, ReadsAxesAndFunctions) {
  EXPECT_EQ(Value("2*m*rows"), 70);
  EXPECT_EQ(Value("min(m, rows) + max(m, rows + 10)"), 20);
  EXPECT_EQ(Value("ceil_div(m, 4)"), 2);
  EXPECT_EQ(Value("m % rows"), 2);
  EXPECT_EQ(Value("floor_div(m, 4) + round_up(m, 4)"), 9);
  EXPECT_EQ(Value("next_pow2(m) + next_pow2(8) + next_pow2(0)"), 17);
  EXPECT_EQ(Value("next_pow2(1125899906842625)"), 2251799813685248);
  EXPECT_EQ(Value("log2_floor(m) + log2_floor(8)"), 5);
  EXPECT_EQ(Value("1.5e2 / 3"), 50);
}

TEST(Expr, DividesExactly) { EXPECT_DOUBLE_EQ(Value("m / 2"), 3.5); }

TEST(Expr, NamesTheColumnAndWhatWasExpected) {
  EXPECT_NE(Complaint("2 * ").find("column 5: expected a number, a name or '('"),
            std::string::npos);
  EXPECT_NE(Complaint("(m + 2").find("column 7: expected ')'"), std::string::npos);
  EXPECT_NE(Complaint("m m").find("column 3: expected an operator"), std::string::npos);
  EXPECT_NE(Complaint("min(m)").find("expected ','"), std::string::npos);
  EXPECT_NE(Complaint("").find("expected a number"), std::string::npos);
  EXPECT_NE(Complaint("1.2.3").find("expected a number"), std::string::npos);
}

TEST(Expr, GivesThePlaceOfAFaultInPieces) {
  ExprFault fault;
  EXPECT_FALSE(EvaluateExpr("2 * next_pow2(m / 2)", {{"m", 7}}, &fault).ok());
  EXPECT_EQ(fault.position, 4u);
  EXPECT_EQ(fault.what, "next_pow2 needs integers");
  EXPECT_NE(Complaint("log2_floor(0)").find("log2_floor needs 1 or more"), std::string::npos);
  EXPECT_NE(Complaint("next_pow2(1, 2)").find("expected ')'"), std::string::npos);
}

TEST(Expr, SuggestsTheNearestAxisForAnUnknownName) {
  EXPECT_NE(Complaint("2*row").find("did you mean 'rows'?"), std::string::npos);
  EXPECT_NE(Complaint("floor(m)").find("unknown function 'floor'"), std::string::npos);
}

TEST(Expr, RefusesDivisionByZeroAndFractionsWhereIntegersBelong) {
  EXPECT_NE(Complaint("m / (rows - 5)").find("division by zero"), std::string::npos);
  EXPECT_NE(Complaint("m % 0").find("division by zero"), std::string::npos);
  EXPECT_NE(Complaint("ceil_div(m, 0)").find("division by zero"), std::string::npos);
  EXPECT_NE(Complaint("1.5 % 2").find("integers"), std::string::npos);
  EXPECT_NE(Complaint("1e308 * 10").find("not finite"), std::string::npos);
}

TEST(Expr, SurvivesHostileNesting) {
  EXPECT_NE(Complaint(std::string(100000, '(')).find("nested too deeply"), std::string::npos);
}

TEST(Expr, AnExtentIsAWholeNumberInRange) {
  const AxisValues axes = {{"m", 7}};
  EXPECT_EQ(EvaluateExtent("m + 1", axes).value_or(-1), 8);
  EXPECT_EQ(EvaluateExtent("0", axes).value_or(-1), 0);
  EXPECT_FALSE(EvaluateExtent("m / 2", axes).ok());
  EXPECT_FALSE(EvaluateExtent("3 - m", axes).ok());
  EXPECT_FALSE(EvaluateExtent("m * 1e15", axes).ok());
}

}  // namespace
}  // namespace ks
