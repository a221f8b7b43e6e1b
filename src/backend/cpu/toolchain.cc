#include "backend/cpu/toolchain.h"

#include <fmt/format.h>
#include <chrono>

#include "backend/cpu/code_features.h"
#include "backend/cpu/diagnostics.h"
#include "backend/cpu/elf_image.h"
#include "backend/cpu/flags.h"
#include "backend/cpu/shim.h"
#include "base/file.h"
#include "base/text.h"
#include "core/kernel_source.h"
#include "sandbox/memory_file.h"

namespace ks {
namespace {

constexpr const char* kSourceName = "kernel.cc";
constexpr size_t kMaxLogBytes = 8u << 10;
constexpr size_t kMaxObjectBytes = 64u << 20;
constexpr size_t kMaxDisassemblyBytes = 8u << 20;
constexpr int64_t kTmpBytes = int64_t{256} << 20;
constexpr double kShimTimeoutS = 60;
// Only ks_call is visible, so names of internal functions leave no trace in the result.
constexpr const char* kExports = "{ global: ks_call; local: *; };\n";
constexpr const char* kLinkFlags =
    "-Wl,--version-script=exports.map,-z,defs,-z,relro,-z,now,-z,noexecstack,--as-needed,"
    "--build-id=none,--hash-style=gnu";
constexpr const char* kCandidateDefaults =
    "-std=c++20 -fPIC -pipe -fmax-errors=20 -fdiagnostics-color=never -include entry.h";
constexpr const char* kClangDefaults =
    "-std=c++20 -fPIC -pipe -ferror-limit=20 -fno-color-diagnostics -include entry.h";

std::string Quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " '" + ReplaceAll(word, "'", "") + "'";
  return text;
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

CompileFailed Failed(const std::string& log) {
  CompileFailed failed;
  failed.diagnostics = ParseDiagnostics(log, kSourceName);
  failed.log = Shorten(log, kMaxLogBytes);
  return failed;
}

std::vector<Diagnostic> Warnings(const std::string& log) {
  std::vector<Diagnostic> warnings = ParseDiagnostics(log, kSourceName);
  std::erase_if(warnings, [](const Diagnostic& d) { return d.severity != "warning"; });
  return warnings;
}

}  // namespace

// One run of the compiler.
struct Toolchain::Build {
  std::string script;
  std::vector<SandboxFile> files;
  std::vector<int> results;  // descriptors 3, 4 inside
  CompileLimits limits;
};

const Compiler* Toolchain::Find(const std::string& name) const {
  for (const Compiler& compiler : detected_.compilers) {
    if (compiler.name == name) return &compiler;
  }
  return nullptr;
}

Result<SandboxExit> Toolchain::RunBuild(const Build& build, std::stop_token stop) const {
  SandboxSpec spec;
  spec.argv = {"/bin/sh", "-c", build.script};
  spec.env = {"PATH=/usr/bin:/bin:/usr/local/bin", "LC_ALL=C", "TMPDIR=/tmp"};
  spec.working_dir = "/tmp";
  spec.files = build.files;
  spec.tmp_bytes = kTmpBytes;
  spec.fds = build.results;
  spec.capture_output = true;
  spec.limits.address_space_bytes = build.limits.memory_bytes;
  spec.limits.cpu_s = static_cast<int64_t>(build.limits.timeout_s) + 2;
  spec.limits.file_bytes = kMaxObjectBytes;
  spec.limits.processes = 64;
  spec.profile = SeccompProfile::kCompile;
  KS_ASSIGN_OR_RETURN(auto process, sandbox_.Start(spec));
  return process->Wait(build.limits.timeout_s, std::move(stop));
}

Result<std::string> Toolchain::Shim(const Task& task, bool widened, std::stop_token stop) {
  const std::string source = ShimSource(task, widened);
  const std::lock_guard lock(mutex_);
  if (const auto it = shims_.find(source); it != shims_.end()) return it->second;
  KS_ASSIGN_OR_RETURN(const UniqueFd object, NewMemoryFile("ks-build"));
  Build build;
  build.script = detected_.compilers.front().path +
                 " -O2 -fPIC -fcf-protection=none -c shim.cc -o shim.o && cat shim.o >&3";
  build.files = {{"/tmp/shim.cc", source}};
  build.results = {object.get()};
  build.limits.timeout_s = kShimTimeoutS;
  KS_ASSIGN_OR_RETURN(const SandboxExit exit, RunBuild(build, std::move(stop)));
  if (exit.code != 0) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the call shim of task {} does not compile: {}", task.name,
                             Shorten(exit.err, 500))};
  }
  KS_ASSIGN_OR_RETURN(std::string bytes, ReadMemoryFile(object, kMaxObjectBytes));
  return shims_.emplace(source, std::move(bytes)).first->second;
}

Result<CompileOutcome> Toolchain::Compile(const Task& task, bool widened, const std::string& source,
                                          const CompileLimits& limits, std::stop_token stop) {
  const auto start = std::chrono::steady_clock::now();
  const BuildDirectives directives = ParseBuildDirectives(source);
  if (auto rejected = CheckFlags(directives.flags, task, detected_.machine))
    return CompileOutcome(*rejected);
  const Compiler* compiler = Find(directives.compiler);
  if (compiler == nullptr) {
    return CompileOutcome(
        Rejected{"compiler", "no compiler named " + Shorten(directives.compiler, 80) +
                                 " here; there is " + Join(detected_.machine.compilers, ", ")});
  }
  KS_ASSIGN_OR_RETURN(const std::string shim, Shim(task, widened, stop));
  KS_ASSIGN_OR_RETURN(const UniqueFd object, NewMemoryFile("ks-build"));
  KS_ASSIGN_OR_RETURN(const UniqueFd listing, NewMemoryFile("ks-build"));
  const std::string prelude = EntryPrelude(task, widened);
  Build build;
  const bool clang = compiler->name == "clang++";
  build.script = fmt::format(
      "{} {}{} -shared {} {} shim.o -o kernel.so || exit 1; cat kernel.so >&3; "
      "objdump -d --no-show-raw-insn -j .text kernel.so >&4 2>/dev/null",
      compiler->path, clang ? kClangDefaults : kCandidateDefaults, Quoted(directives.flags),
      kLinkFlags, kSourceName);
  build.files = {{"/tmp/kernel.cc", source},
                 {"/tmp/entry.h", prelude},
                 {"/tmp/shim.o", shim},
                 {"/tmp/exports.map", kExports}};
  build.results = {object.get(), listing.get()};
  build.limits = limits;
  KS_ASSIGN_OR_RETURN(const SandboxExit exit, RunBuild(build, std::move(stop)));
  if (exit.timed_out) return CompileOutcome(TimedOut{"compile", limits.timeout_s});
  KS_ASSIGN_OR_RETURN(std::string binary, ReadMemoryFile(object, kMaxObjectBytes));
  if (binary.empty()) {
    if (exit.flooded) return CompileOutcome(CompileFailed{{}, "the compiler printed without end"});
    if (const auto bytes = MemoryExhausted(exit.err))
      return CompileOutcome(OutOfMemory{"compile", *bytes});
    if (exit.signal != 0) return CompileOutcome(OutOfMemory{"compile", 0});
    return CompileOutcome(Failed(exit.err));
  }
  const Result<ElfImage> image = ReadElfImage(binary);
  if (!image.ok()) return CompileOutcome(CompileFailed{{}, image.error().message});
  KS_ASSIGN_OR_RETURN(const std::string text, ReadMemoryFile(listing, kMaxDisassemblyBytes));
  CompiledKernel kernel;
  kernel.binary_hash = image->code_hash;
  kernel.features = ReadCodeFeatures(text, *image);
  kernel.binary = std::move(binary);
  kernel.compiler = compiler->name + " " + compiler->version;
  kernel.flags = Join(directives.flags, " ");
  kernel.warnings = Warnings(exit.err);
  kernel.seconds = SecondsSince(start);
  return CompileOutcome(std::move(kernel));
}

}  // namespace ks
