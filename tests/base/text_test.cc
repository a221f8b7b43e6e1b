#include "base/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ks {
namespace {

using Views = std::vector<std::string_view>;

TEST(Trim, TakesWhiteSpaceOffBothEndsOnly) {
  EXPECT_EQ(Trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b", ','), (Views{"a", "", "b"}));
  EXPECT_EQ(Split(",", ','), (Views{"", ""}));
  EXPECT_EQ(Split("", ','), (Views{""}));
}

TEST(SplitWords, HasNoEmptyParts) {
  EXPECT_EQ(SplitWords("  -O3\t -march=native \r"), (Views{"-O3", "-march=native"}));
  EXPECT_EQ(SplitWords("  "), Views{});
}

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(Join({"a", "", "a"}, ", "), "a, , a");
  EXPECT_EQ(Join({"a"}, ", "), "a");
  EXPECT_EQ(Join({}, ", "), "");
}

TEST(ReplaceAll, DoesNotLookAtWhatItPutIn) {
  EXPECT_EQ(ReplaceAll("aXbX", "X", "XX"), "aXXbXX");
  EXPECT_EQ(ReplaceAll("aaa", "aa", "b"), "ba");
  EXPECT_EQ(ReplaceAll("abc", "", "x"), "abc");
}

TEST(ParseInt, TakesWholeNumbersOnly) {
  EXPECT_EQ(ParseInt(" -12 "), -12);
  EXPECT_EQ(ParseInt("9223372036854775807"), INT64_MAX);
  for (const char* text :
       {"", " ", "9223372036854775808", "1.0", "1 2", "0x10", "twelve", "-", "1e3"}) {
    EXPECT_FALSE(ParseInt(text).has_value()) << text;
  }
}

TEST(ParseDouble, TakesNumbersOnly) {
  EXPECT_EQ(ParseDouble(" 1.5e3 "), 1500);
  EXPECT_EQ(ParseDouble("-0.1"), -0.1);
  EXPECT_EQ(ParseDouble("inf"), HUGE_VAL);
  for (const char* text : {"", "1,5", "1.5x", "1e999", "--1"}) {
    EXPECT_FALSE(ParseDouble(text).has_value()) << text;
  }
}

TEST(Shorten, NeverGivesMoreThanItMay) {
  for (size_t limit = 0; limit < 12; ++limit) {
    EXPECT_LE(Shorten("0123456789", limit).size(), limit);
  }
  EXPECT_EQ(Shorten("0123456789", 10), "0123456789");
  EXPECT_EQ(Shorten("0123456789", 9), "012345...");
  EXPECT_EQ(Shorten("0123456789", 2), "..");
}

TEST(Shorten, DoesNotCutACharacterInTwo) {
  // Each of these characters has three bytes.
  EXPECT_EQ(Shorten("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", 8), "\xE2\x82\xAC...");
  EXPECT_EQ(Shorten("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", 5), "...");
  EXPECT_EQ(Shorten(std::string(20, '\x80'), 10), "...");
}

TEST(NearestName, FindsTheSlip) {
  const std::vector<std::string> tasks = {"matmul", "gelu", "softmax", "log_softmax"};
  EXPECT_EQ(NearestName("matmull", tasks), "matmul");
  EXPECT_EQ(NearestName("gleu", tasks), "gelu");
  EXPECT_EQ(NearestName("soft_max", tasks), "softmax");
}

TEST(NearestName, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(NearestName("convolution", {"matmul", "gelu"}), "");
  EXPECT_EQ(NearestName("ab", {"cd"}), "");
  EXPECT_EQ(NearestName("", {"a", "ab"}), "");
  EXPECT_EQ(NearestName("matmul", {}), "");
}

TEST(EscapeHtml, LeavesNothingThatABrowserReads) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\">'&</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&lt;/a&gt;");
  EXPECT_EQ(EscapeHtml("\xC2\xB5"), "\xC2\xB5");
}

TEST(FormatNs, HasThreeSignificantDigitsAndTheFittingUnit) {
  EXPECT_EQ(FormatNs(0), "0 ns");
  EXPECT_EQ(FormatNs(999), "999 ns");
  EXPECT_EQ(FormatNs(999.7), "1 \xC2\xB5s");
  EXPECT_EQ(FormatNs(1'234'567), "1.23 ms");
  EXPECT_EQ(FormatNs(45'600), "45.6 \xC2\xB5s");
  EXPECT_EQ(FormatNs(12e9), "12 s");
  EXPECT_EQ(FormatNs(-45'600), "-45.6 \xC2\xB5s");
}

TEST(FormatBytes, CountsInPowersOf1024) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1024), "1 KiB");
  EXPECT_EQ(FormatBytes(13'207'024'435), "12.3 GiB");
}

}  // namespace
}  // namespace ks
