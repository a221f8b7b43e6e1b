// Each way in which a candidate can break the rules, and the verdict it gets.
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/backend/cpu_fixture.h"

namespace ks {
namespace {

class CpuFaults : public CpuBackendTest {
 protected:
  static void ExpectForbidden(const std::string& body, const std::string& before,
                              const std::string& call) {
    const Rejected rejected = Expect<Rejected>(Run(ScaleTask(), ScaleKernel(body, before)));
    EXPECT_EQ(rejected.rule, "forbidden_syscall") << body;
    EXPECT_NE(rejected.evidence.find(call), std::string::npos) << body << ": " << rejected.evidence;
  }
};

TEST_F(CpuFaults, AccessPastTheEndOrBeforeTheStart) {
  const Task task = ScaleTask();
  // Workload 0 lies at the end of its pages: 37 floats in 48; then the guard.
  OutOfBounds fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[48] = 1;"), 0));
  EXPECT_EQ(fault.buffer, "c");
  EXPECT_EQ(fault.access, "write past end");
  EXPECT_EQ(fault.workload, "n=37");
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[0] = a[48];"), 0));
  EXPECT_EQ(fault.buffer, "a");
  EXPECT_EQ(fault.access, "read past end");
  // Workload 1 lies at their start.
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[-1] = 1;"), 1));
  EXPECT_EQ(fault.buffer, "c");
  EXPECT_EQ(fault.access, "write before start");
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[0] = a[-1];"), 1));
  EXPECT_EQ(fault.access, "read before start");
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("for (int64_t i = 0;; ++i) c[i] = 1;"), 2));
  EXPECT_EQ(fault.access, "write past end");
}

TEST_F(CpuFaults, WritesIntoTheSlackBreakTheCanaries) {
  const Task task = ScaleTask();
  OutOfBounds fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[37] = 1;"), 0));
  EXPECT_EQ(fault.buffer, "c");
  EXPECT_EQ(fault.access, "write past end");
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("c[-1] = 1;"), 0));
  EXPECT_EQ(fault.access, "write before start");
  fault = Expect<OutOfBounds>(Run(task, ScaleKernel("((char*)c)[64 * 4] = 1;"), 1));
  EXPECT_EQ(fault.access, "write past end");
}

TEST_F(CpuFaults, WritesToInputs) {
  const OutOfBounds fault =
      Expect<OutOfBounds>(Run(ScaleTask(), ScaleKernel("const_cast<float*>(a)[3] = 1;")));
  EXPECT_EQ(fault.buffer, "a");
  EXPECT_EQ(fault.access, "write to input");
  // The pages cannot be made writable either.
  const CallOutcome remapped =
      Run(ScaleTask(), ScaleKernel("void* p = (void*)((uintptr_t)a & ~4095ull); if (mprotect(p, "
                                   "4096, PROT_READ | PROT_WRITE) == 0) "
                                   "const_cast<float*>(a)[3] = 1; else c[0] = 77;",
                                   "#include <sys/mman.h>"));
  EXPECT_TRUE(std::holds_alternative<CallTiming>(remapped));
}

TEST_F(CpuFaults, ForbiddenSystemCalls) {
  ExpectForbidden("fork();", "#include <unistd.h>", "clone");
  ExpectForbidden("(void)!write(1, \"x\", 1);", "#include <unistd.h>", "write (1)");
  ExpectForbidden("printf(\"hello\\n\"); fflush(stdout);", "#include <stdio.h>", "");
  ExpectForbidden("open(\"/etc/ld.so.cache\", 0);", "#include <fcntl.h>", "openat (257)");
  ExpectForbidden("usleep(1000);", "#include <unistd.h>", "clock_nanosleep");
  ExpectForbidden("kill(getppid(), 9);", "#include <signal.h>\n#include <unistd.h>", "");
  ExpectForbidden("kill(1, 9);", "#include <signal.h>", "kill");
  ExpectForbidden("socket(2, 1, 0);", "#include <sys/socket.h>", "socket");
  ExpectForbidden("struct sigaction x = {}; sigaction(11, &x, nullptr);", "#include <signal.h>",
                  "rt_sigaction");
  ExpectForbidden("char* v[] = {nullptr}; execv(\"/bin/sh\", v);", "#include <unistd.h>", "execve");
  ExpectForbidden("ptrace(PTRACE_TRACEME, 0, 0, 0);", "#include <sys/ptrace.h>", "ptrace");
  ExpectForbidden("prctl(PR_SET_DUMPABLE, 0);", "#include <sys/prctl.h>", "prctl");
  ExpectForbidden("poll(nullptr, 0, 10);", "#include <poll.h>", "poll");
  ExpectForbidden("memfd_create(\"x\", 0);", "#include <sys/mman.h>", "memfd_create");
  ExpectForbidden("struct itimerval t = {}; setitimer(ITIMER_REAL, &t, nullptr);",
                  "#include <sys/time.h>", "setitimer");
  ExpectForbidden("syscall(425, 1, nullptr);", "#include <unistd.h>", "io_uring_setup");
}

TEST_F(CpuFaults, ThirtyTwoBitSystemCallsEndTheProcess) {
  const Rejected rejected = Expect<Rejected>(
      Run(ScaleTask(), ScaleKernel("__asm__ volatile(\"int $0x80\" : : \"a\"(2) : \"memory\");")));
  EXPECT_EQ(rejected.rule, "forbidden_syscall");
}

TEST_F(CpuFaults, ThreadsWhereOnlyOneIsAllowed) {
  ExpectForbidden(
      "pthread_t t; pthread_create(&t, nullptr, [](void*) -> void* { return nullptr; }, nullptr);",
      "#include <pthread.h>", "");
}

TEST_F(CpuFaults, MakingMemoryExecutable) {
  const std::string header = "#include <sys/mman.h>";
  ExpectForbidden(
      "mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, "
      "0);",
      header, "mmap");
  ExpectForbidden(
      "static char x[8192]; mprotect((void*)(((uintptr_t)x + 4095) & ~4095ull), 4096, PROT_READ | "
      "PROT_EXEC);",
      header, "mprotect");
  ExpectForbidden(
      "mprotect((void*)((uintptr_t)&scale & ~4095ull), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);",
      header + "\nextern \"C\" void scale(const float*, float, float*, int64_t);", "mprotect");
}

TEST_F(CpuFaults, RunsForever) {
  const TimedOut timed_out =
      Expect<TimedOut>(Run(ScaleTask(), ScaleKernel("for (;;) __asm__ volatile(\"\");"), 0, 0.2));
  EXPECT_EQ(timed_out.stage, "call");
  EXPECT_EQ(timed_out.limit_s, 0.2);
}

TEST_F(CpuFaults, AsksForTooMuchMemory) {
  OutOfMemory memory = Expect<OutOfMemory>(
      Run(ScaleTask(),
          ScaleKernel("char* volatile p = (char*)malloc(100ull << 30); p[0] = 1; c[0] = p[0];",
                      "#include <stdlib.h>")));
  EXPECT_EQ(memory.requested_bytes, 100.0 * (1ull << 30));
  memory = Expect<OutOfMemory>(
      Run(ScaleTask(), ScaleKernel("float* volatile p = new float[25ull << 30]; p[0] = 1;")));
  EXPECT_EQ(memory.requested_bytes, 100.0 * (1ull << 30));
  memory = Expect<OutOfMemory>(
      Run(ScaleTask(),
          ScaleKernel("std::vector<float> v(1ull << 34); c[0] = v[n];", "#include <vector>")));
  EXPECT_GT(memory.requested_bytes, 1e10);
}

TEST_F(CpuFaults, UsesTheMemoryItMay) {
  const CallOutcome outcome =
      Run(ScaleTask(), ScaleKernel("std::vector<float> v(1 << 24, 1.0f); float* p = "
                                   "(float*)aligned_alloc(64, 1 << 20); p[5] = v[7];"
                                   "p = (float*)realloc(p, 8 << 20); c[0] = p[5]; free(p);",
                                   "#include <vector>\n#include <stdlib.h>"));
  EXPECT_TRUE(std::holds_alternative<CallTiming>(outcome));
}

TEST_F(CpuFaults, EndsTheProcess) {
  const std::string header = "#include <stdlib.h>\n#include <unistd.h>\n#include <exception>";
  EXPECT_EQ(Expect<Rejected>(Run(ScaleTask(), ScaleKernel("exit(0);", header))).rule, "exit");
  EXPECT_EQ(Expect<Rejected>(Run(ScaleTask(), ScaleKernel("_exit(0);", header))).rule, "exit");
  EXPECT_EQ(Expect<Crashed>(Run(ScaleTask(), ScaleKernel("abort();", header))).signal, SIGABRT);
  EXPECT_EQ(Expect<Crashed>(Run(ScaleTask(), ScaleKernel("throw 5;", header))).signal, SIGABRT);
  EXPECT_EQ(Expect<Crashed>(Run(ScaleTask(), ScaleKernel("__builtin_trap();"))).signal, SIGILL);
  EXPECT_EQ(
      Expect<Crashed>(Run(ScaleTask(), ScaleKernel("volatile int z = 0; c[0] = (float)(n / z);")))
          .signal,
      SIGFPE);
  const Crashed null =
      Expect<Crashed>(Run(ScaleTask(), ScaleKernel("*(volatile float*)nullptr = 1;")));
  EXPECT_EQ(null.signal, SIGSEGV);
  EXPECT_EQ(null.detail, "write through a null pointer");
}

TEST_F(CpuFaults, OverflowsItsStack) {
  const Crashed crashed = Expect<Crashed>(
      Run(ScaleTask(), ScaleKernel("c[0] = deep(1, n);",
                                   "[[gnu::noinline]] static float deep(float x, int64_t n) { "
                                   "volatile float y[1000]; y[n % 1000] = x;"
                                   "return n < 0 ? x : deep(x + 1, n) + y[n % 999]; }")));
  EXPECT_EQ(crashed.signal, SIGSEGV);
  EXPECT_EQ(crashed.detail, "stack overflow");
}

TEST_F(CpuFaults, AttacksWhileItIsLoaded) {
  const auto load = [](const std::string& attack, const std::string& header) {
    return Run(ScaleTask(), ScaleKernel(kScaleLoop, header + "\nstatic int attack() {" + attack +
                                                        " return 0; }\nint attacked = attack();"));
  };
  EXPECT_EQ(Expect<Rejected>(load("fork();", "#include <unistd.h>")).rule, "forbidden_syscall");
  EXPECT_EQ(Expect<Rejected>(load("(void)!write(3, \"x\", 1);", "#include <unistd.h>")).rule,
            "forbidden_syscall");
  EXPECT_EQ(
      Expect<Rejected>(load("open(\"/tmp/x\", O_CREAT | O_WRONLY, 0600);", "#include <fcntl.h>"))
          .rule,
      "forbidden_syscall");
  EXPECT_EQ(Expect<Rejected>(
                load("struct sigaction x = {}; sigaction(31, &x, nullptr);", "#include <signal.h>"))
                .rule,
            "forbidden_syscall");
  EXPECT_EQ(Expect<Rejected>(load("mmap(nullptr, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);",
                                  "#include <sys/mman.h>"))
                .rule,
            "forbidden_syscall");
  EXPECT_EQ(Expect<Rejected>(load("_exit(0);", "#include <unistd.h>")).rule, "exit");
  EXPECT_EQ(Expect<Crashed>(load("volatile int* volatile p = nullptr; *p = 1;", "")).signal,
            SIGSEGV);
  const CallOutcome harmless = load("", "");
  EXPECT_TRUE(std::holds_alternative<CallTiming>(harmless));
}

TEST_F(CpuFaults, DestructorsAndExitHandlersRunOnlyInItsOwnEnd) {
  const std::string before =
      "#include <stdlib.h>\n#include <unistd.h>\nstruct Late { ~Late() { (void)!write(1, \"late\", "
      "4); } } late;\n"
      "static int registered = atexit([] { fork(); });";
  EXPECT_TRUE(
      std::holds_alternative<CallTiming>(Run(ScaleTask(), ScaleKernel(kScaleLoop, before))));
  EXPECT_EQ(Expect<Rejected>(Run(ScaleTask(), ScaleKernel("exit(0);", before))).rule,
            "forbidden_syscall");
}

TEST_F(CpuFaults, NeedsALibraryThatIsNotListed) {
  CompiledKernel kernel =
      MustCompile(ScaleTask(), ScaleKernel("c[0] = expf(a[1]);", "#include <math.h>"));
  const size_t at = kernel.binary.find("libm.so.6");
  ASSERT_NE(at, std::string::npos);
  kernel.binary.replace(at, 4, "libx");
  const auto arena = NewArena(ScaleTask());
  auto started = backend_->NewRunner(ScaleTask(), kernel, *arena, {});
  ASSERT_TRUE(started.ok());
  ASSERT_TRUE(std::holds_alternative<Outcome>(*started));
  EXPECT_STREQ(OutcomeName(std::get<Outcome>(*started)), "rejected");
}

TEST_F(CpuFaults, ABinaryThatCannotBeLoadedIsALaunchFailure) {
  CompiledKernel kernel;
  kernel.binary = "not a shared object";
  const auto arena = NewArena(ScaleTask());
  auto started = backend_->NewRunner(ScaleTask(), kernel, *arena, {});
  ASSERT_TRUE(started.ok());
  ASSERT_TRUE(std::holds_alternative<Outcome>(*started));
  EXPECT_STREQ(OutcomeName(std::get<Outcome>(*started)), "launch_failed");
}

// A candidate that finds the control memory on the stack, answers with a made-up time and computes
// on. The kernel's account of its CPU time shows it.
TEST_F(CpuFaults, AForgedAnswerIsBetrayedByTheCpuClock) {
  const std::string before =
      "#include <unistd.h>\n#include <sys/syscall.h>\n"
      // Addresses are fixed in the sandbox: the stack ends at kTop, mappings lie below kMappings.
      "static const uint64_t kTop = 0x7ffffffff000, kMappings = 0x7ffff8000000;\n"
      "static char* FindControl(uint64_t* stack) {\n"
      "  for (int i = 0; i < 600 && (uint64_t)(stack + i) < kTop; ++i) {\n"
      "    const uint64_t p = stack[i] & ~4095ull;\n"
      "    if (p < 0x7fff00000000ull || p >= kMappings) continue;\n"
      "    const uint64_t* q = (const uint64_t*)p;\n"
      "    if ((uint32_t)q[0] == 1 && q[3] >> 44 == 0x2) return (char*)p;\n"
      "  }\n  return nullptr;\n}\n";
  const std::string body =
      // The registers that the runner keeps its pointers in are saved on the stack here.
      "asm volatile(\"\" ::: \"rbx\", \"r12\", \"r13\", \"r14\", \"r15\");\n"
      "uint64_t* const here = (uint64_t*)__builtin_frame_address(0) - 16;\n"
      "char* control = FindControl(here);\n"
      "if (control == nullptr) { c[0] = -1; return; }\n"
      "uint32_t* channel = (uint32_t*)(control + ((uint64_t*)control)[2]);\n"
      "*(uint64_t*)(channel + 4) = 1;\n"
      "__atomic_store_n(channel + 2, channel[0], __ATOMIC_SEQ_CST);\n"
      "syscall(SYS_futex, channel + 2, 1, 1, 0, 0, 0);\n"
      "volatile float x = 0; for (int64_t i = 0; i < 100000000; ++i) x = x + 1;\n" +
      std::string(kScaleLoop);
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  auto started =
      backend_->NewRunner(task, MustCompile(task, ScaleKernel(body, before)), *arena, {});
  ASSERT_TRUE(started.ok());
  auto& runner = *std::get<std::unique_ptr<KernelRunner>>(*started);
  const auto cpu_before = runner.TotalCpuNs();
  auto outcome = runner.Call(0, 5, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  ASSERT_TRUE(std::holds_alternative<CallTiming>(*outcome))
      << OutcomeSummary(std::get<Outcome>(*outcome));
  float first = 0;
  std::memcpy(&first, arena->output(0, 0).data(), sizeof first);
  EXPECT_NE(first, -1) << "the attack no longer finds the control memory: mend this test";
  // Usually inside_ns is 1 now; it is the true time when the answer was read late.
  usleep(400'000);
  const auto cpu_after = runner.TotalCpuNs();
  ASSERT_TRUE(cpu_before.ok() && cpu_after.ok());
  EXPECT_GT(*cpu_after - *cpu_before, 2e7) << "the kernel accounts for all of it";
}

TEST_F(CpuFaults, LeaveNoProcessAndNoFileBehind) {
  const auto files = [] {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
      const std::string name = entry.path().filename().string();
      // Folders of other tests come and go meanwhile.
      count += name.starts_with("ks") && !name.starts_with("ks_test_") ? 1u : 0u;
    }
    return count;
  };
  const auto children = [] {
    std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
    std::string text;
    std::getline(file, text);
    return text;
  };
  const size_t before = files();
  Run(ScaleTask(), ScaleKernel("for (;;) __asm__ volatile(\"\");"), 0, 0.05);
  Run(ScaleTask(), ScaleKernel("abort();", "#include <stdlib.h>"));
  EXPECT_LE(files(), before);
  EXPECT_EQ(children(), "");
}

}  // namespace
}  // namespace ks
