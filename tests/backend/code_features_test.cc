#include "backend/cpu/code_features.h"

#include <gtest/gtest.h>

#include "backend/cpu/loops.h"
#include "tests/backend/cpu_fixture.h"

namespace ks {
namespace {

FlowInstruction Plain() { return {}; }
FlowInstruction Branch(int target) { return {true, true, target}; }
FlowInstruction Jump(int target) { return {true, false, target}; }

TEST(FindLoops, NestsByDominators) {
  // 0: outer header, 1: inner header, 2: -> 1, 3: -> 0, 4: ret
  const auto loops = FindLoops({Plain(), Plain(), Branch(1), Branch(0), {false, false, -1}});
  ASSERT_EQ(loops.size(), 2u);
  EXPECT_EQ(loops[0].depth, 1);
  EXPECT_FALSE(loops[0].innermost);
  EXPECT_EQ(loops[1].depth, 2);
  EXPECT_TRUE(loops[1].innermost);
}

TEST(FindLoops, IgnoresABackwardJumpIntoALoopFromOutside) {
  // 0 -> 5 or on; 1..2 loop; 3 ret; 5: cold code that jumps back to 1.
  const auto loops =
      FindLoops({Branch(4), Plain(), Branch(1), {false, false, -1}, Plain(), Jump(1)});
  ASSERT_EQ(loops.size(), 1u);
  EXPECT_EQ(loops[0].instructions, (std::vector<int>{1, 2}));
}

TEST(FindLoops, FindsNoneInStraightCodeOrNothing) {
  EXPECT_TRUE(FindLoops({}).empty());
  EXPECT_TRUE(FindLoops({Plain(), Plain()}).empty());
}

constexpr const char* kListing = R"(
kernel.so:     file format elf64-x86-64

Disassembly of section .text:

0000000000001040 <deregister_tm_clones>:
    1040:	vaddps %zmm0,%zmm1,%zmm1
    1044:	jmp    1040 <deregister_tm_clones>

0000000000001100 <matmul>:
    1100:	sub    $0x2000,%rsp
    1107:	vxorps %xmm0,%xmm0,%xmm0
    110b:	vfmadd231ps (%rax,%rbx,4),%ymm1,%ymm0
    1111:	vfmadd231ps (%rax),%ymm1,%ymm2
    1115:	vaddps %ymm4,%ymm3,%ymm3
    1119:	vaddps %ymm5,%ymm5,%ymm6
    1120:	prefetcht0 0x40(%rax)
    1124:	vmovntps %ymm0,(%rcx)
    1128:	call   1030 <expf@plt>
    112d:	cmp    %rax,%rdx
    1130:	jne    110b <matmul+0xb>
    1132:	add    $0x1,%rsi
    1136:	jne    1107 <matmul+0x7>
    1138:	ret

0000000000001200 <ks_call>:
    1200:	jmp    1100 <matmul>
)";

TEST(ReadCodeFeatures, ReadsAHandMadeListing) {
  ElfImage image;
  image.imports = {"expf"};
  const CodeFeatures features = ReadCodeFeatures(kListing, image);
  EXPECT_EQ(features.vector_bits, 256);
  EXPECT_EQ(features.loop_depth, 2);
  EXPECT_EQ(features.loop_count, 2);
  EXPECT_TRUE(features.uses_fma);
  EXPECT_FALSE(features.uses_gather);
  EXPECT_TRUE(features.uses_nontemporal);
  EXPECT_TRUE(features.uses_prefetch);
  EXPECT_FALSE(features.uses_threads);
  EXPECT_TRUE(features.uses_scratch) << "8 KiB of stack";
  EXPECT_EQ(features.accumulators, 3);
  EXPECT_EQ(features.calls_in_loops, 1);
}

TEST(ReadCodeFeatures, SurvivesNonsense) {
  EXPECT_EQ(ReadCodeFeatures("", {}), CodeFeatures{});
  ReadCodeFeatures("<<<>>>:\n 12:\t\n zz:\tjne zz\n<f>:\n 1:\tvaddps (((,,,\n", {});
  ReadCodeFeatures("<f>:\n 1:\tjmp 1 <f>\n 1:\tjmp 1\n", {});
}

class CpuFeatures : public CpuBackendTest {};

TEST_F(CpuFeatures, TellsAScalarLoopFromAVectorOne) {
  const Task task = ScaleTask();
  const CodeFeatures scalar =
      MustCompile(task, "// ksmith: flags -O1\n" + ScaleKernel(kScaleLoop)).features;
  EXPECT_EQ(scalar.vector_bits, 0);
  EXPECT_EQ(scalar.loop_depth, 1);
  EXPECT_EQ(scalar.loop_count, 1);
  const CodeFeatures vector =
      MustCompile(task, "// ksmith: flags -O3\n" + ScaleKernel(kScaleLoop)).features;
  EXPECT_EQ(vector.vector_bits, 128);
  EXPECT_GT(vector.code_bytes, scalar.code_bytes);
  EXPECT_EQ(vector.static_bytes, 0);
  EXPECT_FALSE(vector.uses_scratch);
}

TEST_F(CpuFeatures, SeesScratchStaticsCallsAndAccumulators) {
  const Task task = ScaleTask();
  const CodeFeatures statics =
      MustCompile(task,
                  ScaleKernel("for (int64_t i = 0; i < n; ++i) t[i % 1000] += a[i]; c[0] = t[5];",
                              "static float t[1000];"))
          .features;
  EXPECT_GE(statics.static_bytes, 4000);
  EXPECT_TRUE(statics.uses_scratch);
  const CodeFeatures calls =
      MustCompile(task, ScaleKernel("for (int64_t i = 0; i < n; ++i) c[i] = expf(a[i]);",
                                    "#include <math.h>"))
          .features;
  EXPECT_GE(calls.calls_in_loops, 1);
  const CodeFeatures sums =
      MustCompile(
          task, "// ksmith: flags -O1\n" +
                    ScaleKernel(
                        "float x = 0, y = 0, z = 0, w = 0; for (int64_t i = 0; i + 3 < n; i += 4) {"
                        "x += a[i]; y += a[i + 1]; z += a[i + 2]; w += a[i + 3]; } c[0] = x * y + "
                        "z * w;"))
          .features;
  EXPECT_EQ(sums.accumulators, 4);
}

}  // namespace
}  // namespace ks
