// The fall-back compiler: one sandboxed nvcc a unit, a hundred times slower than a warm NVRTC.
#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

#include "backend/compile/cubin.h"
#include "backend/cuda/cuda_compiler.h"
#include "base/text.h"
#include "sandbox/memory_file.h"

namespace ks {
namespace {

constexpr size_t kMaxObjectBytes = 64u << 20;
constexpr int64_t kTmpBytes = int64_t{256} << 20;
constexpr int64_t kMinMemoryBytes = int64_t{4} << 30;

std::string Quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " '" + ReplaceAll(word, "'", "") + "'";
  return text;
}

bool IsTemplate(const std::string& kernel) { return kernel.find('<') != std::string::npos; }

// A host function that names each template kernel, which is then compiled for the device.
std::string Instantiations(const std::vector<std::string>& kernels) {
  std::string uses;
  for (const std::string& kernel : kernels) {
    if (IsTemplate(kernel)) uses += fmt::format("  ks_use(&{});\n", kernel);
  }
  if (uses.empty()) return {};
  return "\ntemplate <typename Function> static void ks_use(Function*) {}\nvoid ks_uses() {\n" +
         uses + "}\n";
}

std::string Demangled(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? std::string(text.get()) : symbol;
}

// "void ns::kernel<float, 64>(float const*)" -> "ns::kernel".
std::string BaseName(std::string text) {
  text = text.substr(0, text.find_first_of("<("));
  const size_t blank = text.rfind(' ');
  return blank == std::string::npos ? text : text.substr(blank + 1);
}

// The only kernel of that name. Several instantiations of one template cannot be told apart when
// their arguments are written with macros, so they are not.
std::string FindSymbol(const CubinImage& image, const std::string& kernel) {
  if (image.Find(kernel) != nullptr) return kernel;
  std::set<std::string> found;
  for (const CubinKernel& candidate : image.kernels) {
    const std::string name = Demangled(candidate.symbol);
    if (BaseName(name) == BaseName(kernel)) found.insert(candidate.symbol);
  }
  return found.size() == 1 ? *found.begin() : "";
}

}  // namespace

Result<CudaCompiler::UnitOutcome> CudaCompiler::RunNvcc(const CudaUnitRequest& request,
                                                        std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const UniqueFd cubin, NewMemoryFile("ks-cubin"));
  KS_ASSIGN_OR_RETURN(const UniqueFd ptx, NewMemoryFile("ks-ptx"));
  const std::string source = request.source + Instantiations(request.kernels);
  SandboxSpec spec;
  spec.argv = {"/bin/sh", "-c",
               fmt::format("{}{} -cubin --keep -o kernel.cubin kernel.cu || exit 1; "
                           "cat kernel.cubin >&3; cat kernel.ptx >&4",
                           options_.toolkit.nvcc, Quoted(request.options))};
  spec.env = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=/tmp"};
  spec.working_dir = "/tmp";
  spec.files = {{"/tmp/kernel.cu", source}};
  spec.mounts = ToolkitMounts(options_.toolkit);
  spec.tmp_bytes = kTmpBytes;
  spec.fds = {cubin.get(), ptx.get()};
  spec.capture_output = true;
  spec.limits.address_space_bytes = std::max(options_.worker_memory_bytes, kMinMemoryBytes);
  spec.limits.file_bytes = kMaxObjectBytes;
  spec.limits.processes = 64;
  spec.profile = SeccompProfile::kCompile;
  KS_ASSIGN_OR_RETURN(auto process, sandbox_.Start(spec));
  KS_ASSIGN_OR_RETURN(const SandboxExit exit, process->Wait(request.timeout_s, std::move(stop)));
  if (exit.timed_out) {
    return UnitOutcome(CompileOutcome(TimedOut{"compile", request.whole_timeout_s}));
  }
  CudaUnit unit;
  unit.log = exit.err + exit.out;
  KS_ASSIGN_OR_RETURN(unit.cubin, ReadMemoryFile(cubin, kMaxObjectBytes));
  KS_ASSIGN_OR_RETURN(unit.ptx, ReadMemoryFile(ptx, kMaxObjectBytes));
  unit.ok = exit.code == 0 && !unit.cubin.empty();
  if (!unit.ok) return UnitOutcome(std::move(unit));
  const Result<CubinImage> image = ReadCubin(unit.cubin);
  for (const std::string& kernel : request.kernels) {
    unit.symbols.push_back(image.ok() ? FindSymbol(*image, kernel) : "");
  }
  return UnitOutcome(std::move(unit));
}

}  // namespace ks
