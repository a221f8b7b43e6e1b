#include "cli/device_wiring.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "backend/cuda/cuda_compiler.h"
#include "backend/device/device_runner_process.h"
#include "backend/gpu/gpu_backend.h"
#include "backend/opencl/opencl_backend.h"
#include "backend/triton/triton_compiler.h"
#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr int kMostDevices = 64;
// What drivers and their loaders look at.
constexpr const char* kDriverVariables[] = {"LD_LIBRARY_PATH",   "CUDA_VISIBLE_DEVICES",
                                            "CUDA_DEVICE_ORDER", "OCL_ICD_VENDORS",
                                            "OCL_ICD_FILENAMES", "OPENCL_VENDOR_PATH"};

std::vector<std::string> DriverEnvironment() {
  std::vector<std::string> env;
  for (const char* name : kDriverVariables) {
    if (const char* value = std::getenv(name)) env.push_back(fmt::format("{}={}", name, value));
  }
  return env;
}

DeviceListing DevicesOf(const std::string& api, std::vector<std::string> backends) {
  DeviceListing found{api, std::move(backends), {}, ""};
  CloneThread clones;
  for (int index = 0; index < kMostDevices; ++index) {
    DeviceRunnerOptions options;
    options.api = api;
    options.index = index;
    options.env = DriverEnvironment();
    options.thread = &clones;
    const Result<DeviceInfo> info = DeviceRunnerProcess::Describe(options, {});
    if (!info.ok()) {
      if (index == 0) found.problem = info.error().message;
      break;
    }
    found.devices.push_back(*info);
  }
  return found;
}

// Where a CUDA toolkit may be beside the usual places.
std::vector<std::string> ToolkitRoots() {
  std::vector<std::string> roots;
  for (const char* name : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const char* value = std::getenv(name)) roots.emplace_back(value);
  }
  if (const char* environment = std::getenv("VIRTUAL_ENV")) {
    const std::string lib = std::string(environment) + "/lib";
    for (const std::string& python : PosixFileSystem().List(lib).value_or({})) {
      roots.push_back(lib + "/" + python + "/site-packages");
    }
  }
  return roots;
}

Result<std::unique_ptr<DeviceBackend>> OpenOpenCl(int device,
                                                  std::unique_ptr<ProcessBackend> host) {
  OpenClOptions options;
  options.device = device;
  options.env = DriverEnvironment();
  options.host = std::move(host);
  KS_ASSIGN_OR_RETURN(std::unique_ptr<OpenClBackend> backend,
                      OpenClBackend::Create(std::move(options), {}));
  return std::unique_ptr<DeviceBackend>(std::move(backend));
}

// NVIDIA's profiler: of the toolkit, else on the PATH; its program is empty when there is none.
ProfilerOptions Profiler(int device, const CudaToolkit& toolkit) {
  ProfilerOptions options;
  options.runner.api = "cuda";
  options.runner.index = device;
  options.runner.compiler_path = toolkit.nvrtc;
  options.runner.env = DriverEnvironment();
  if (const char* folder = std::getenv("TMPDIR")) options.folder = folder;
  std::vector<std::string> folders;
  for (const std::string& root : ToolkitRoots()) folders.push_back(root + "/bin");
  folders.emplace_back("/usr/local/cuda/bin");
  if (const char* path = std::getenv("PATH")) {
    for (const std::string_view folder : Split(path, ':')) folders.emplace_back(folder);
  }
  for (const std::string& folder : folders) {
    if (options.program.empty() && PosixFileSystem().IsFile(folder + "/ncu")) {
      options.program = folder + "/ncu";
    }
  }
  return options;
}

Result<std::shared_ptr<RunnerPool>> OpenGpu(int device, const CudaToolkit& toolkit) {
  RunnerPoolOptions options;
  options.runner.api = "cuda";
  options.runner.index = device;
  options.runner.compiler_path = toolkit.nvrtc;
  options.runner.env = DriverEnvironment();
  options.spares = 2;
  KS_ASSIGN_OR_RETURN(std::unique_ptr<RunnerPool> pool, RunnerPool::Create(std::move(options), {}));
  return std::shared_ptr<RunnerPool>(std::move(pool));
}

// A compiler and the sandbox that it works in.
template <typename Compiler>
struct SandboxedCompiler {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<Compiler> compiler;  // destroyed first
};

template <typename Compiler, typename Options>
Status AddCompiler(Options options, GpuBackendParts& parts) {
  auto owner = std::make_shared<SandboxedCompiler<Compiler>>();
  KS_ASSIGN_OR_RETURN(owner->sandbox, Sandbox::Create());
  KS_ASSIGN_OR_RETURN(owner->compiler, Compiler::Create(*owner->sandbox, std::move(options), {}));
  parts.compiler = owner->compiler->version();
  parts.compile = [owner](const Task& task, const std::string& source, const CompileLimits& limits,
                          std::stop_token stop) {
    return owner->compiler->Compile(task, source, limits, std::move(stop));
  };
  return {};
}

Result<std::unique_ptr<DeviceBackend>> OpenCuda(int device, std::unique_ptr<ProcessBackend> host) {
  const CudaToolkit toolkit = FindToolkit();
  GpuBackendParts parts;
  parts.name = "cuda";
  parts.host = std::move(host);
  KS_ASSIGN_OR_RETURN(parts.pool, OpenGpu(device, toolkit));
  parts.profiler = Profiler(device, toolkit);
  if (!toolkit.usable()) return Error{ErrorCode::kFailedPrecondition, kGetCudaToolkit};
  CudaCompilerOptions options;
  options.toolkit = toolkit;
  options.arch = parts.pool->info().arch;
  options.limits = GpuLimits(parts.pool->info());
  KS_RETURN_IF_ERROR(AddCompiler<CudaCompiler>(std::move(options), parts));
  return std::unique_ptr<DeviceBackend>(std::make_unique<GpuBackend>(std::move(parts)));
}

Result<std::unique_ptr<DeviceBackend>> OpenTriton(int device,
                                                  std::unique_ptr<ProcessBackend> host) {
  GpuBackendParts parts;
  parts.name = "triton";
  parts.host = std::move(host);
  const CudaToolkit toolkit = FindToolkit();
  KS_ASSIGN_OR_RETURN(parts.pool, OpenGpu(device, toolkit));
  parts.profiler = Profiler(device, toolkit);
  TritonCompilerOptions options;
  KS_ASSIGN_OR_RETURN(options.python, FindPython());
  options.arch = TritonArch(parts.pool->info().arch);
  options.limits = GpuLimits(parts.pool->info());
  KS_RETURN_IF_ERROR(AddCompiler<TritonCompiler>(std::move(options), parts));
  return std::unique_ptr<DeviceBackend>(std::make_unique<GpuBackend>(std::move(parts)));
}

}  // namespace

CudaToolkit FindToolkit() { return FindCudaToolkit(PosixFileSystem(), ToolkitRoots()); }

Result<PythonEnvironment> FindPython() {
  std::string python = "python3";
  if (const char* environment = std::getenv("VIRTUAL_ENV")) {
    python = std::string(environment) + "/bin/python3";
  }
  if (const char* chosen = std::getenv("KSMITH_PYTHON")) python = chosen;
  const char* const path = std::getenv("PATH");
  return ProbePython(python, path == nullptr ? "/usr/bin:/bin" : path);
}

Result<std::unique_ptr<DeviceBackend>> OpenDeviceBackend(const std::string& name, int device,
                                                         std::unique_ptr<ProcessBackend> host) {
  if (name == "opencl") return OpenOpenCl(device, std::move(host));
  if (name == "cuda") return OpenCuda(device, std::move(host));
  if (name == "triton") return OpenTriton(device, std::move(host));
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no backend for devices (known: cuda, triton, opencl)", name)};
}

std::vector<DeviceListing> FindDevices() {
  OpenClListing opencl = ListOpenClDevices(DriverEnvironment(), {});
  return {DevicesOf("cuda", {"cuda", "triton"}),
          {"opencl", {"opencl"}, std::move(opencl.devices), std::move(opencl.problem)}};
}

}  // namespace ks
