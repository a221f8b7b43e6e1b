// triton_batch_programs and triton_transpose_operand: what they write and what they refuse.
#include <gtest/gtest.h>

#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

Task RowsTask() {
  return TaskOf("rows", {"x:f32[rows,cols]", "w:f32[cols,cols]"}, {"y:f32[rows,cols]"},
                {"rows", "cols"});
}

std::string RowsKernel(const std::string& body) {
  return "import triton\nimport triton.language as tl\n\n# ksmith: const BLOCK = 32\n"
         "# ksmith: const WIDTH = next_pow2(cols)\n# ksmith: launch rows grid=(rows)\n\n\n"
         "@triton.jit\ndef rows(x, w, y, rows, cols, BLOCK: tl.constexpr, WIDTH: tl.constexpr):\n" +
         body;
}

const char* const kProduct =
    "    i = tl.program_id(0)\n"
    "    c = tl.arange(0, WIDTH)\n"
    "    row = tl.load(x + i * cols + c, mask=c < cols, other=0.0)\n"
    "    for start in range(0, cols, BLOCK):\n"
    "        j = start + tl.arange(0, BLOCK)\n"
    "        mask = (j[:, None] < cols) & (c[None, :] < cols)\n"
    "        block = tl.load(w + j[:, None] * cols + c[None, :], mask=mask, other=0.0)\n"
    "        tl.store(y + i * cols + j, tl.sum(block * row[None, :], axis=1), mask=j < cols)\n";

std::vector<Edit> BatchesOf(const std::string& body) {
  return DeviceEditsOf("triton_batch_programs", RowsTask(), RowsKernel(body), "triton");
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TritonBatchPrograms, MakesAMatrixProductOfARowTimesASharedBlock) {
  const std::vector<Edit> edits = BatchesOf(kProduct);
  ASSERT_FALSE(edits.empty());
  const std::string& source = edits[0].source;
  EXPECT_TRUE(Has(source, "tl.dot(row, tl.trans(block), input_precision=\"tf32x3\")")) << source;
  EXPECT_TRUE(Has(source,
                  "place = tl.minimum(tl.program_id(0) * PLACES + tl.arange(0, PLACES), "
                  "places_end - 1)"))
      << source;
  EXPECT_TRUE(Has(source, "tl.store((y + i * cols)[:, None] + j[None, :], "));
  EXPECT_TRUE(Has(source, "const WIDTH = max(16, next_pow2(cols))"));
  EXPECT_TRUE(Has(source, "grid=(ceil_div(rows, PLACES))"));
  EXPECT_TRUE(Has(source, "args=(x, w, y, rows, cols, rows)"));
}

TEST(TritonBatchPrograms, KeepsAPlaceThatReachedItsEndAsItIs) {
  const std::vector<Edit> edits = BatchesOf(
      "    i = tl.program_id(0)\n"
      "    total = 0.0\n"
      "    for start in range(0, i + 1, BLOCK):\n"
      "        j = start + tl.arange(0, BLOCK)\n"
      "        total += tl.sum(tl.load(w + j, mask=j < cols, other=0.0), axis=0)\n"
      "    tl.store(y + i, total)\n");
  ASSERT_FALSE(edits.empty());
  const std::string& source = edits[0].source;
  EXPECT_TRUE(Has(source, "range(0, tl.max(start_end, axis=0), BLOCK)")) << source;
  EXPECT_TRUE(Has(source, "total = tl.full((PLACES,), 0.0, dtype=tl.float32)"));
  EXPECT_TRUE(Has(source, "total = tl.where(start < start_end, total, total_before)"));
}

TEST(TritonBatchPrograms, GivesEachPlaceItsOwnRange) {
  const std::vector<Edit> edits = BatchesOf(
      "    i = tl.program_id(0)\n"
      "    total = 0.0\n"
      "    for start in range(i, i + 9, BLOCK):\n"
      "        j = start + tl.arange(0, BLOCK)\n"
      "        total += tl.sum(tl.load(x + j, mask=j < i + 9, other=0.0), axis=0)\n"
      "    tl.store(y + i, total)\n");
  ASSERT_FALSE(edits.empty());
  const std::string& source = edits[0].source;
  EXPECT_TRUE(
      Has(source, "for start_step in range(0, tl.max(start_end - start_begin, axis=0), BLOCK):"))
      << source;
  EXPECT_TRUE(Has(source, "        start = start_begin + start_step\n"));
  EXPECT_TRUE(Has(source, "total = tl.where(start < start_end, total, total_before)"));
}

TEST(TritonBatchPrograms, RefusesWhatHasNoBatchedForm) {
  const std::string load =
      "    i = tl.program_id(0)\n    j = tl.arange(0, BLOCK)\n"
      "    v = tl.load(w + j, mask=j < cols, other=0.0)\n";
  // Nothing is shared.
  EXPECT_TRUE(BatchesOf("    i = tl.program_id(0)\n    j = tl.arange(0, BLOCK)\n"
                        "    v = tl.load(x + i * cols + j, mask=j < cols, other=0.0)\n"
                        "    tl.store(y + i * cols + j, v, mask=j < cols)\n")
                  .empty());
  // An atomic would count places beyond the end again.
  EXPECT_TRUE(BatchesOf(load + "    tl.atomic_add(y + i, tl.sum(v, axis=0))\n").empty());
  // A branch on the place.
  EXPECT_TRUE(
      BatchesOf(load + "    if i > 3:\n        tl.store(y + i, tl.sum(v, axis=0))\n").empty());
  // One address for all places.
  EXPECT_TRUE(BatchesOf(load + "    tl.store(y + j, v * i, mask=j < cols)\n").empty());
  // A store that a place must not do after its end.
  EXPECT_TRUE(BatchesOf(load + "    for k in range(0, i + 1):\n"
                               "        tl.store(y + i * cols + k, tl.sum(v, axis=0))\n")
                  .empty());
  // Three dimensions.
  EXPECT_TRUE(BatchesOf(load + "    t = v[:, None] * v[None, :] * i\n"
                               "    tl.store(y + i, tl.sum(tl.sum(t, axis=1), axis=0))\n")
                  .empty());
  // In place: a place beyond the end would do the last one's work again.
  EXPECT_TRUE(BatchesOf(load + "    r = tl.load(y + i * cols + j, mask=j < cols, other=0.0)\n"
                               "    tl.store(y + i * cols + j, r * v, mask=j < cols)\n")
                  .empty());
  // The number of programs is part of the meaning.
  EXPECT_TRUE(
      BatchesOf(load + "    tl.store(y + i, tl.sum(v, axis=0) * tl.num_programs(0))\n").empty());
}

TEST(TritonBatchPrograms, LoadsNothingForAPlaceThatHasLeftTheLoop) {
  const std::vector<Edit> edits = BatchesOf(
      "    i = tl.program_id(0)\n"
      "    total = 0.0\n"
      "    for start in range(i, i + 9):\n"
      "        total += tl.load(x + start)\n"
      "        total += tl.load(w + start * 2, mask=start < cols, other=0.0)\n"
      "    tl.store(y + i, total)\n");
  ASSERT_FALSE(edits.empty());
  EXPECT_TRUE(Has(edits[0].source, "tl.load(x + start, mask=(start < start_end))"))
      << edits[0].source;
  EXPECT_TRUE(Has(edits[0].source, "mask=(start < cols) & (start < start_end), other=0.0)"))
      << edits[0].source;
}

TEST(TritonBatchPrograms, KnowsTheAxisOfTheGridInEitherSpelling) {
  const std::string body =
      "    i = tl.program_id(axis=0)\n    j = tl.arange(0, BLOCK)\n"
      "    v = tl.load(w + j, mask=j < cols, other=0.0)\n"
      "    tl.store(y + i * cols + j, v * i, mask=j < cols)\n";
  const std::vector<Edit> edits = BatchesOf(body);
  ASSERT_FALSE(edits.empty());
  EXPECT_TRUE(Has(edits[0].source, "    i = place\n")) << edits[0].source;
  std::string other = body;
  other.replace(other.find("axis=0"), 6, "axis=k");
  EXPECT_TRUE(BatchesOf(other).empty());
  other.replace(other.find("tl.program_id(axis=k)"), 21, "where()");
  EXPECT_FALSE(BatchesOf(body + "\n\n@triton.jit\ndef where():\n    return 3\n").empty());
  EXPECT_TRUE(
      BatchesOf(other + "\n\n@triton.jit\ndef where():\n    return tl.program_id(0)\n").empty());
  // The helper has the place, whoever else asks for it.
  std::string both = body;
  both.replace(both.find("v * i"), 5, "v * i * where()");
  EXPECT_TRUE(BatchesOf(both + "\n\n@triton.jit\ndef where():\n    return deep()\n"
                               "\n\n@triton.jit\ndef deep():\n    return tl.program_id(axis=0)\n")
                  .empty());
  EXPECT_TRUE(
      BatchesOf(both + "\n\n@triton.jit\ndef where(y):\n    tl.atomic_add(y, 1)\n").empty());
}

TEST(TritonBatchPrograms, TellsNumbersFromNamesOfTheSameLetters) {
  const auto started = [](const std::string& value) {
    const std::vector<Edit> edits =
        BatchesOf("    i = tl.program_id(0)\n    tail = cols // 2\n    total = " + value +
                  "\n    for start in range(0, i + 1, BLOCK):\n"
                  "        j = start + tl.arange(0, BLOCK)\n"
                  "        total += tl.sum(tl.load(w + j, mask=j < cols, other=0.0), axis=0)\n"
                  "    tl.store(y + i, total)\n");
    if (edits.empty()) return std::string();
    const size_t at = edits[0].source.find("total = ");
    return edits[0].source.substr(at, edits[0].source.find('\n', at) - at);
  };
  EXPECT_EQ(started("tail"), "total = tail + tl.zeros((PLACES,), dtype=tl.int32)");
  EXPECT_EQ(started("-1.5e-3"), "total = tl.full((PLACES,), -1.5e-3, dtype=tl.float32)");
  EXPECT_EQ(started("2"), "total = tl.full((PLACES,), 2, dtype=tl.int32)");
  EXPECT_EQ(started("float(\"-inf\")"),
            "total = tl.full((PLACES,), float(\"-inf\"), dtype=tl.float32)");
  EXPECT_EQ(started("True"), "");
}

TEST(TritonBatchPrograms, RefusesReductionsWithOptionsThatItWouldLose) {
  const auto count = [](const std::string& call) {
    return BatchesOf(
               "    i = tl.program_id(0)\n    j = tl.arange(0, BLOCK)\n"
               "    v = tl.load(w + j, mask=j < cols, other=0.0) * i\n"
               "    tl.store(y + i * cols + j, " +
               call + ", mask=j < cols)\n")
        .size();
  };
  EXPECT_GT(count("tl.cumsum(v, axis=0)"), 0u);
  EXPECT_EQ(count("tl.cumsum(v, axis=0, reverse=True)"), 0u);
  EXPECT_EQ(count("tl.sum(v, axis=0, keep_dims=True)"), 0u);
}

TEST(TritonBatchPrograms, RefusesAPointerThatMovesAndLoopsThatItCannotBound) {
  EXPECT_TRUE(BatchesOf("    i = tl.program_id(0)\n    x += i * cols\n    j = tl.arange(0, BLOCK)\n"
                        "    v = tl.load(w + j, mask=j < cols, other=0.0)\n"
                        "    u = tl.load(x + j, mask=j < cols, other=0.0)\n"
                        "    tl.store(y + i * cols + j, u + v, mask=j < cols)\n")
                  .empty());
  const std::string head = "    i = tl.program_id(0)\n    total = 0.0\n";
  const std::string body = "        total += tl.load(w + start)\n    tl.store(y + i, total";
  EXPECT_FALSE(BatchesOf(head + "    for start in range(0, i):\n" + body + ")\n").empty());
  EXPECT_TRUE(BatchesOf(head + "    for start in range(9, i, -1):\n" + body + ")\n").empty());
  EXPECT_TRUE(BatchesOf(head + "    for start in range(0, i):\n" + body + " + start)\n").empty())
      << "where the loop ended";
  EXPECT_TRUE(
      BatchesOf("    i = tl.program_id(0)\n    j = tl.arange(0, BLOCK)\n    a, b = j, 2 * j\n"
                "    v = tl.load(w + a, mask=a < cols, other=0.0)\n"
                "    tl.store(y + i * cols + b, v, mask=b < cols)\n")
          .empty())
      << "two names at once";
}

std::vector<Edit> SplitsOf(const std::string& loop, const std::string& args = "",
                           const std::string& front = "    i = tl.program_id(0)\n") {
  const std::string source =
      "import triton\nimport triton.language as tl\n\n# ksmith: const BLOCK = 32\n"
      "# ksmith: launch rows grid=(rows)" +
      args +
      "\n\n\n"
      "@triton.jit\ndef rows(x, w, y, rows, cols, BLOCK: tl.constexpr):\n" +
      front +
      "    total = tl.zeros((BLOCK,), dtype=tl.float32)\n"
      "    for start in range(0, cols, BLOCK):\n"
      "        j = start + tl.arange(0, BLOCK)\n"
      "        total += tl.load(x + i * cols + j, mask=j < cols, other=0.0)\n"
      "    mean = tl.sum(total, axis=0) / cols\n"
      "    for start in range(0, cols, BLOCK):\n"
      "        j = start + tl.arange(0, BLOCK)\n" +
      loop;
  return DeviceEditsOf("triton_split_rows", RowsTask(), source, "triton");
}

TEST(TritonSplitRows, RefusesStepsThatTouchWhatOthersWrite) {
  const std::string load = "        v = tl.load(x + i * cols + j, mask=j < cols, other=0.0)\n";
  const std::string store = "        tl.store(y + i * cols + j, v - mean, mask=j < cols)\n";
  const std::string in_place = " args=(y, w, y, rows, cols)";
  EXPECT_FALSE(SplitsOf(load + store).empty());
  EXPECT_FALSE(SplitsOf(load + store, "", "    i = tl.program_id(axis=0)\n").empty());
  // In place, what the first loop summed is complete before the second one starts; x + ... and
  // y + ... are one buffer, read and written at addresses that nobody has compared.
  EXPECT_TRUE(SplitsOf(load + store, in_place).empty());
  std::string same = load;
  same.replace(same.find("x +"), 3, "y +");
  EXPECT_FALSE(SplitsOf(same + store, in_place).empty()) << "each step its own places";
  std::string shifted = same;
  shifted.replace(shifted.find("+ j,"), 4, "+ j + 1,");
  EXPECT_TRUE(SplitsOf(shifted + store, in_place).empty()) << "another step's places";
  // A value that was read in front of the loops is read again once the second loop has written it.
  const std::string front = "    i = tl.program_id(0)\n    first = tl.load(x + i * cols)\n";
  EXPECT_FALSE(SplitsOf(load + store, "", front).empty());
  EXPECT_TRUE(SplitsOf(same + store, in_place, front).empty());
  // One place for all steps: the last one would have to win.
  EXPECT_TRUE(
      SplitsOf(load + "        tl.store(y + i * cols + tl.arange(0, BLOCK), v - mean)\n").empty());
  EXPECT_TRUE(SplitsOf(load + "        tl.store(y + i * cols + j // 2, v - mean)\n").empty());
  EXPECT_TRUE(SplitsOf(load + store, "", "    i = tl.program_id(0) + tl.program_id(1)\n").empty())
      << "the axis that the parts get";
}

std::vector<Edit> TurnsOf(const std::string& precision, const std::string& address) {
  const std::string source =
      "import triton\nimport triton.language as tl\n\n# ksmith: const BLOCK = 32\n"
      "# ksmith: launch product grid=(rows)\n\n\n"
      "@triton.jit\ndef product(x, w, y, rows, cols, BLOCK: tl.constexpr):\n"
      "    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)\n"
      "    total = tl.zeros((BLOCK, BLOCK), dtype=tl.float32)\n"
      "    for start in range(0, cols, BLOCK):\n"
      "        p = start + tl.arange(0, BLOCK)\n"
      "        left = tl.load(x + i[:, None] * cols + p[None, :])\n"
      "        right = tl.load(" +
      address +
      ")\n"
      "        total = tl.dot(left, right, total, input_precision=\"" +
      precision +
      "\")\n"
      "    tl.store(y + i[:, None] * cols + tl.arange(0, BLOCK)[None, :], total)\n";
  return DeviceEditsOf("triton_transpose_operand", RowsTask(), source, "triton");
}

TEST(TritonTransposeOperand, TurnsARowMajorRightOperandAround) {
  const std::vector<Edit> edits = TurnsOf("tf32", "w + p[:, None] * cols + i[None, :]");
  ASSERT_EQ(edits.size(), 1u) << "the tile is one constant: no other shapes";
  const std::string& source = edits[0].source;
  EXPECT_TRUE(Has(source, "tl.load(w + p[:, None] + i[None, :] * cols)")) << source;
  EXPECT_TRUE(Has(source, "scratch w_turned f32 [cols, cols]"));
  EXPECT_TRUE(Has(source, "args=(x, w_turned, y, rows, cols)"));
  EXPECT_LT(source.find("launch turn_w"), source.find("launch product"));
}

TEST(TritonTransposeOperand, TakesExactProductsAsThreeOfParts) {
  const std::vector<Edit> edits = TurnsOf("ieee", "w + p[:, None] * cols + i[None, :]");
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_TRUE(Has(edits[0].source, "input_precision=\"tf32x3\""));
}

TEST(TritonTransposeOperand, RefusesOtherAddresses) {
  EXPECT_TRUE(TurnsOf("tf32", "w + p[:, None] + i[None, :] * cols").empty());
  EXPECT_TRUE(TurnsOf("tf32", "w + p[:, None] * rows + i[None, :]").empty());
}

}  // namespace
}  // namespace ks
