#include "base/hash.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(Sha256Hex, GivesThePublishedVectors) {
  // FIPS 180-4 examples.
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Hex, ZeroBytesCount) {
  EXPECT_NE(Sha256Hex(std::string("a\0b", 3)), Sha256Hex("a"));
  EXPECT_NE(Sha256Hex(std::string(1, '\0')), Sha256Hex(""));
}

TEST(Sha256FromHex, IsTheReverseOfHexOfAndRefusesAnythingElse) {
  const Sha256Digest digest = Sha256("abc");
  EXPECT_EQ(HexOf(digest), Sha256Hex("abc"));
  EXPECT_EQ(Sha256FromHex(Sha256Hex("abc")), digest);
  EXPECT_FALSE(Sha256FromHex("").has_value());
  EXPECT_FALSE(Sha256FromHex(std::string(63, 'a')).has_value());
  EXPECT_FALSE(Sha256FromHex(std::string(64, 'A')).has_value());
  EXPECT_FALSE(Sha256FromHex(std::string(63, 'a') + "g").has_value());
}

TEST(Sha256FromHex, TakesSixteenCharactersAtEveryPlace) {
  const std::string good = Sha256Hex("places");
  for (size_t at = 0; at < good.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[at] = static_cast<char>(c);
      const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      const std::optional<Sha256Digest> read = Sha256FromHex(text);
      ASSERT_EQ(read.has_value(), digit) << at << " " << c;
      if (digit) {
        ASSERT_EQ(HexOf(*read), text);
      }
    }
  }
}

TEST(Checksum64, ChangesWithEveryBitAndWithTrailingZeros) {
  const std::string text = "nineteen bytes long";
  const uint64_t sum = Checksum64(text);
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(Checksum64(changed) & 0xFFFFFFFF, sum & 0xFFFFFFFF) << bit;
  }
  EXPECT_NE(Checksum64(std::string(1, '\0')), Checksum64(std::string(2, '\0')));
  EXPECT_NE(Checksum64(""), Checksum64(std::string(8, '\0')));
}

TEST(Fnv1a64, GivesThePublishedVectors) {
  EXPECT_EQ(Fnv1a64(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a64("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(Fnv1a64("foobar"), 0x85944171f73967e8u);
}

TEST(Fnv1a64, BytesAboveAsciiAreUnsigned) {
  EXPECT_EQ(Fnv1a64("\xFF"), (0xcbf29ce484222325u ^ 0xFFu) * 0x100000001b3u);
}

}  // namespace
}  // namespace ks
