#include "cli/token_file.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

Result<std::string> TokenIn(const std::string& text) {
  MemoryFileSystem files;
  EXPECT_TRUE(files.WriteAtomically("token", text).ok());
  return ReadTokenFile(files, "token");
}

TEST(ReadTokenFile, TakesTheTextWithoutWhiteSpace) {
  EXPECT_EQ(*TokenIn("  0123456789abcdef\n"), "0123456789abcdef");
  EXPECT_EQ(*TokenIn(std::string(1024, 'x')), std::string(1024, 'x'));
}

TEST(ReadTokenFile, RefusesWhatIsNoToken) {
  for (const std::string& bad :
       {std::string(), std::string("short"), std::string(1025, 'x'), std::string(5000, 'x'),
        std::string("0123456789 abcdef"), std::string("0123456789\nabcdef"),
        std::string("0123456789abcdef\xc3\xa9")}) {
    const Result<std::string> token = TokenIn(bad);
    ASSERT_FALSE(token.ok()) << bad;
    EXPECT_EQ(token.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(token.error().message.find("token"), std::string::npos);
  }
  EXPECT_EQ(ReadTokenFile(MemoryFileSystem(), "none").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ks
