#include <algorithm>
#include <cstdio>

#include "backend/cpu/diagnostics.h"
#include "backend/cpu/elf_image.h"
#include "tests/backend/cpu_fixture.h"

namespace ks {
namespace {

class CpuCompile : public CpuBackendTest {};

TEST_F(CpuCompile, GivesABinaryWithItsCompilerAndFlags) {
  const CompiledKernel kernel =
      MustCompile(ScaleTask(), "// ksmith: flags -O3\n" + ScaleKernel(kScaleLoop));
  EXPECT_FALSE(kernel.binary.empty());
  EXPECT_EQ(kernel.binary_hash.size(), 64u);
  EXPECT_TRUE(kernel.compiler.starts_with("g++ ")) << kernel.compiler;
  EXPECT_EQ(kernel.flags, "-O3");
  EXPECT_GT(kernel.seconds, 0);
}

TEST_F(CpuCompile, ReportsAnErrorWithItsLine) {
  const CompileOutcome outcome = Compile(ScaleTask(), ScaleKernel("c[0] = nonsense;"));
  const auto* failed = std::get_if<CompileFailed>(&outcome);
  ASSERT_NE(failed, nullptr);
  ASSERT_FALSE(failed->diagnostics.empty());
  EXPECT_EQ(failed->diagnostics[0].severity, "error");
  EXPECT_EQ(failed->diagnostics[0].line, 4);
  EXPECT_NE(failed->diagnostics[0].message.find("nonsense"), std::string::npos);
}

TEST_F(CpuCompile, ReportsWarnings) {
  const CompiledKernel kernel =
      MustCompile(ScaleTask(), "// ksmith: flags -O2 -Wall\n" +
                                   ScaleKernel(std::string("int unused_one;") + kScaleLoop));
  ASSERT_EQ(kernel.warnings.size(), 1u);
  EXPECT_EQ(kernel.warnings[0].line, 5);
}

TEST_F(CpuCompile, RefusesAnEntryWithOtherArgumentsOrNone) {
  CompileOutcome outcome =
      Compile(ScaleTask(),
              "extern \"C\" void scale(const double* a, float s, float* c, long n) { c[0] = n; }");
  ASSERT_TRUE(std::holds_alternative<CompileFailed>(outcome));
  EXPECT_NE(std::get<CompileFailed>(outcome).log.find("conflicting declaration"),
            std::string::npos);
  outcome = Compile(ScaleTask(), "int other;");
  ASSERT_TRUE(std::holds_alternative<CompileFailed>(outcome));
  ASSERT_FALSE(std::get<CompileFailed>(outcome).diagnostics.empty());
  EXPECT_NE(std::get<CompileFailed>(outcome).diagnostics[0].message.find("scale"),
            std::string::npos);
}

TEST_F(CpuCompile, GivesOneHashForRenamedLocalsCommentsAndInternalNames) {
  const Task task = ScaleTask();
  const std::string first = MustCompile(task, ScaleKernel(kScaleLoop)).binary_hash;
  const std::string renamed = ScaleKernel(
      "/* x */ for (int64_t index = 0; index < n; ++index)\n\n c[index] = s * a[index];");
  EXPECT_EQ(MustCompile(task, renamed).binary_hash, first);
  const std::string helper = "[[gnu::noinline]] float NAME(float x, float y) { return x * y; }\n";
  const std::string call = "for (int64_t i = 0; i < n; ++i) c[i] = NAME(s, a[i]);";
  const auto named = [&](const std::string& name) {
    std::string text = ScaleKernel(call, helper);
    for (size_t at; (at = text.find("NAME")) != std::string::npos;) text.replace(at, 4, name);
    return MustCompile(task, text).binary_hash;
  };
  EXPECT_EQ(named("one"), named("a_much_longer_name"));
  EXPECT_NE(named("one"), first);
  const std::string other = ScaleKernel("for (int64_t i = 0; i < n; ++i) c[i] = s + a[i];");
  EXPECT_NE(MustCompile(task, other).binary_hash, first);
  const std::string constant = ScaleKernel("for (int64_t i = 0; i < n; ++i) c[i] = 3.25f * a[i];");
  const std::string constant2 = ScaleKernel("for (int64_t i = 0; i < n; ++i) c[i] = 3.75f * a[i];");
  EXPECT_NE(MustCompile(task, constant).binary_hash, MustCompile(task, constant2).binary_hash);
}

TEST_F(CpuCompile, EndsAtItsTimeAndMemoryLimits) {
  const std::string bomb =
      "template <int N, int M> struct S { static constexpr int v = S<N - 1, M * 2>::v ^ S<N - 1, M "
      "* 2 + 1>::v; };\n"
      "template <int M> struct S<0, M> { static constexpr int v = M; };\n"
      "int x = S<26, 1>::v;";
  CompileLimits limits;
  limits.timeout_s = 1;
  const CompileOutcome slow = Compile(ScaleTask(), ScaleKernel("c[0] = x;", bomb), limits);
  EXPECT_TRUE(std::holds_alternative<TimedOut>(slow)) << slow.index();
  limits.timeout_s = 20;
  limits.memory_bytes = 120 << 20;
  const CompileOutcome large = Compile(ScaleTask(), ScaleKernel("c[0] = x;", bomb), limits);
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(large)) << large.index();
}

TEST_F(CpuCompile, SeesNoFileOfTheHost) {
  for (const std::string file :
       {"/etc/passwd", "/etc/hostname", "/etc/shadow", "/proc/self/environ"}) {
    const CompileOutcome outcome =
        Compile(ScaleTask(), ScaleKernel("c[0] = 0;", "#include \"" + file + "\"\n"));
    ASSERT_TRUE(std::holds_alternative<CompileFailed>(outcome)) << file;
    EXPECT_NE(std::get<CompileFailed>(outcome).log.find("No such file"), std::string::npos);
  }
  const CompileOutcome outcome = Compile(
      ScaleTask(),
      ScaleKernel("c[0] = 0;", "__asm__(\".section .data\\n.incbin \\\"/etc/passwd\\\"\");"));
  EXPECT_TRUE(std::holds_alternative<CompileFailed>(outcome));
}

TEST_F(CpuCompile, RejectsFlagsAndCompilersByName) {
  CompileOutcome outcome =
      Compile(ScaleTask(), "// ksmith: flags -O2 -fplugin=evil\n" + ScaleKernel(kScaleLoop));
  ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
  EXPECT_EQ(std::get<Rejected>(outcome).rule, "flag");
  outcome = Compile(ScaleTask(), "// ksmith: compiler /bin/sh\n" + ScaleKernel(kScaleLoop));
  ASSERT_TRUE(std::holds_alternative<Rejected>(outcome));
  EXPECT_EQ(std::get<Rejected>(outcome).rule, "compiler");
}

TEST_F(CpuCompile, WorksWithEveryCompilerOfTheMachine) {
  for (const std::string& compiler : backend_->machine().compilers) {
    const std::string name = compiler.substr(0, compiler.find(' '));
    const CompiledKernel kernel =
        MustCompile(ScaleTask(), "// ksmith: compiler " + name + "\n// ksmith: flags -O3\n" +
                                     ScaleKernel(kScaleLoop));
    EXPECT_EQ(kernel.compiler, compiler);
  }
}

TEST_F(CpuCompile, StopsWhenAsked) {
  std::stop_source source;
  source.request_stop();
  auto outcome = backend_->Compile(ScaleTask(), ScaleKernel(kScaleLoop), {}, source.get_token());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
}

TEST_F(CpuCompile, TakesAShortTime) {
  std::vector<double> ms;
  for (int i = 0; i < 7; ++i) {
    ms.push_back(MustCompile(ScaleTask(), ScaleKernel(kScaleLoop)).seconds * 1e3);
  }
  std::sort(ms.begin(), ms.end());
  std::printf("compile: best %.0f ms, median %.0f ms\n", ms[0], ms[3]);
  EXPECT_LT(ms[0], 1000);
}

TEST(ReadElfImage, RefusesWhatIsNotASharedObject) {
  EXPECT_FALSE(ReadElfImage("").ok());
  EXPECT_FALSE(ReadElfImage("\x7f"
                            "ELF")
                   .ok());
  std::string header(4096, '\xff');
  std::memcpy(header.data(),
              "\x7f"
              "ELF\x02\x01\x01",
              7);
  EXPECT_FALSE(ReadElfImage(header).ok());
}

TEST_F(CpuCompile, ReadsADamagedBinaryWithoutHarm) {
  const std::string good = MustCompile(ScaleTask(), ScaleKernel(kScaleLoop)).binary;
  for (size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0xff);
    const auto image = ReadElfImage(bad);
    if (image.ok()) {
      EXPECT_EQ(image->code_hash.size(), 64u);
    }
    const auto cut = ReadElfImage(std::string_view(good).substr(0, at));
    EXPECT_FALSE(cut.ok());
  }
}

TEST(ParseDiagnostics, ReadsBothCompilersAndTheLinker) {
  const auto found = ParseDiagnostics(
      "kernel.cc: In function 'void f()':\n"
      "kernel.cc:12:5: error: 'x' was not declared\n"
      "entry.h:1:17: note: previous\n"
      "/tmp/kernel.cc:3:1: warning: unused [-Wunused]\n"
      "other.h:9:1: fatal error: gone\n"
      "/usr/bin/ld: /tmp/x.o: undefined reference to `scale'\n",
      "kernel.cc");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].line, 12);
  EXPECT_EQ(found[0].column, 5);
  EXPECT_EQ(found[1].severity, "warning");
  EXPECT_EQ(found[1].line, 3);
  EXPECT_EQ(found[2].line, 0);
  EXPECT_EQ(found[2].message, "other.h: gone");
  EXPECT_NE(found[3].message.find("scale"), std::string::npos);
}

}  // namespace
}  // namespace ks
