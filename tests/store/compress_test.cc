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
