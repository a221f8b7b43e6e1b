#include "report/table.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(Style, PaintsOnlyWithColour) {
  EXPECT_EQ(Paint({.colour = false}, Ink::kGreen, "ok"), "ok");
  EXPECT_EQ(Paint({.colour = true}, Ink::kGreen, "ok"), "\x1b[32mok\x1b[0m");
}

TEST(Style, PrintableTakesTheTeethOutOfEscapeSequences) {
  EXPECT_EQ(Printable("a\x1b[2Jb\nc\td"), "a\uFFFD[2Jb\nc d");
  EXPECT_EQ(PrintableLine("a\nb"), "a b");
}

TEST(Style, PrintableReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(Printable("\xff"
                      "a\xc3"),
            "\uFFFDa\uFFFD");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a lone surrogate
  EXPECT_EQ(Printable("\xc0\xaf"), "\uFFFD\uFFFD");            // an overlong '/'
  EXPECT_EQ(Printable("\u00b5s \u4e2d"), "\u00b5s \u4e2d");
}

TEST(Style, PrintableReplacesTextThatReordersALine) {
  EXPECT_EQ(Printable("a\u202Eb"), "a\uFFFDb");
}

TEST(Style, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("3.2 \u00b5s"), 6);
  EXPECT_EQ(DisplayWidth("\u4e2d\u6587"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
}

TEST(Style, FitWidthCutsAtACharacterWithAnEllipsis) {
  EXPECT_EQ(FitWidth("abcdef", 6, {}), "abcdef");
  EXPECT_EQ(FitWidth("abcdefg", 6, {}), "abcde\u2026");
  EXPECT_EQ(FitWidth("\u4e2d\u4e2d\u4e2d", 4, {}), "\u4e2d\u2026");
  EXPECT_EQ(FitWidth("abcdefg", 6, {.unicode = false}), "abcd..");
}

TEST(Table, AlignsColumnsByWidthAndLeavesNoTrailingSpaces) {
  Table table({{"name"}, {"time", Column::Align::kRight}, {"note"}});
  table.Add({{"a"}, {"3.2 \u00b5s"}, {""}});
  table.Add({{"\u4e2d\u6587x"}, {"12 ms"}, {"slow"}});
  EXPECT_EQ(table.Render({}),
            "name     time  note\n"
            "a      3.2 \u00b5s\n"
            "\u4e2d\u6587x   12 ms  slow\n");
}

TEST(Table, ColourDoesNotShiftColumns) {
  Table table({{"a"}, {"b"}});
  table.Add({{"x", Ink::kGreen}, {"1"}});
  table.Add({{"long"}, {"2"}});
  const std::string text = table.Render({.colour = true});
  EXPECT_NE(text.find("\x1b[32mx\x1b[0m     1\n"), std::string::npos) << text;
}

TEST(Table, CutsAWideCellAndIndents) {
  Table table({{"a", Column::Align::kLeft, 4}});
  table.Add({{"abcdefgh"}});
  EXPECT_EQ(table.Render({}, 2), "  a\n  abc\u2026\n");
}

TEST(Table, ACellCannotBreakItsLine) {
  Table table({{"a"}});
  table.Add({{"x\ny\x1b[31m"}});
  EXPECT_EQ(table.Render({}), "a\nx y\uFFFD[31m\n");
}

}  // namespace
}  // namespace ks
