#include "store/compress.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(Compress, TextComesBackAndIsSmaller) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "for (int k = 0; k < n; ++k) sum += a[k] * b[k];\n";
  const auto frame = Compress(text);
  ASSERT_TRUE(frame.ok());
  EXPECT_LT(frame->size(), text.size() / 10);
  EXPECT_EQ(*Decompress(*frame, text.size()), text);
}

TEST(Compress, TheFastWayTurnsCharactersThatSeldomRepeatIntoFewerBits) {
  std::string text;
  for (unsigned i = 1, random = 1; i < 400; ++i) {
    random = random * 1103515245u + 12345u;
    text += std::to_string(random) + (i % 8 == 0 ? "\n" : " + ");
  }
  Compressor compressor;
  for (const auto effort : {CompressionEffort::kSmall, CompressionEffort::kFast}) {
    const auto frame = compressor.Compress(text, effort);
    ASSERT_TRUE(frame.ok());
    EXPECT_LT(frame->size(), text.size() * 7 / 10);
    EXPECT_EQ(*Decompress(*frame, text.size()), text);
  }
}

TEST(Compress, TheFastWayTakesTextsOfAnyLength) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += static_cast<char>('a' + i % 7 * (i % 5));
  for (const size_t size : {0u, 1u, 2u, 63u, 64u, 1000u, 20'000u}) {
    const std::string part = text.substr(0, size);
    const auto frame = Compressor().Compress(part, CompressionEffort::kFast);
    ASSERT_TRUE(frame.ok()) << size;
    EXPECT_EQ(*Decompress(*frame, size), part);
  }
}

TEST(Decompress, AnyWrongSizeIsADataLoss) {
  const auto frame = Compress("twelve bytes");
  ASSERT_TRUE(frame.ok());
  for (const size_t size : {0u, 11u, 13u, 1000u}) {
    const auto bytes = Decompress(*frame, size);
    ASSERT_FALSE(bytes.ok()) << size;
    EXPECT_EQ(bytes.error().code, ErrorCode::kDataLoss);
  }
}

TEST(Decompress, WhatIsNotAFrameIsADataLoss) {
  const auto bytes = Decompress("not a frame", 11);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code, ErrorCode::kDataLoss);
  EXPECT_FALSE(Decompress("", 5).ok());
}

}  // namespace
}  // namespace ks
