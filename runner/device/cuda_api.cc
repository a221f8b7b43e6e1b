// DeviceApi on the CUDA driver API, with NVRTC for the helper kernels and NVML for the clock.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "cuda_functions.h"
#include "device_api.h"
#include "nvrtc.h"

namespace ks {
namespace {

constexpr uint64_t kAlignment = 256;  // what cuMemAlloc gives
constexpr int64_t kSharedWithoutOptin = 48 << 10;
constexpr size_t kPrintfBytes = 64u << 10;  // a ring: what is not read is written over
constexpr uint32_t kPortableCluster = 8;
constexpr int kSmClock = 1;  // NVML_CLOCK_SM

ErrorCode CodeOf(int result) {
  switch (result) {
    case cuda::kOutOfMemory:
      return ErrorCode::kResourceExhausted;
    case cuda::kInvalidValue:
    case cuda::kInvalidImage:
    case cuda::kNoBinaryForGpu:
    case cuda::kInvalidPtx:
    case cuda::kUnsupportedPtxVersion:
    case cuda::kSharedObjectSymbolNotFound:
    case cuda::kNotFound:
    case cuda::kLaunchOutOfResources:
    case cuda::kCooperativeLaunchTooLarge:
    case cuda::kInvalidClusterSize:
      return ErrorCode::kInvalidArgument;
    case cuda::kIllegalAddress:
    case cuda::kLaunchTimeout:
    case cuda::kAssert:
      return ErrorCode::kDataLoss;
    default:
      return result >= cuda::kHardwareStackError && result <= cuda::kLaunchFailed
                 ? ErrorCode::kDataLoss
                 : ErrorCode::kInternal;
  }
}
// Dense f16 operations a clock of one multiprocessor's tensor cores, from the vendor's architecture
// white papers; 0 where it has none or is not known.
double TensorFlopsPerClock(int major, const std::string& arch) {
  if (major == 7) return 1024;
  if (major == 8) return arch == "sm_80" ? 2048 : 1024;
  if (major == 9) return 4096;
  return major >= 10 ? 8192 : 0;
}

class CudaApi final : public DeviceApi {
 public:
  CudaApi(const cuda::Functions& functions, std::string compiler_path)
      : cu_(functions), compiler_path_(std::move(compiler_path)) {}
  ~CudaApi() override = default;  // the process ends with it

  Status Open(int index) {
    if (const int code = cu_.Init(0); code != cuda::kSuccess) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("cuInit: {}. Is a GPU there, and may this process use /dev/nvidia*?",
                               ErrorText(code))};
    }
    int count = 0;
    cu_.DeviceGetCount(&count);
    if (index >= count || cu_.DeviceGet(&device_, index) != cuda::kSuccess) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("no CUDA device {}: there are {}", index, count)};
    }
    cuda::Context context = nullptr;
    if (const int code = cu_.PrimaryCtxRetain(&context, device_); code != cuda::kSuccess) {
      const bool is_full = CodeOf(code) == ErrorCode::kResourceExhausted;
      return Error{is_full ? ErrorCode::kResourceExhausted : ErrorCode::kFailedPrecondition,
                   "making a context on the GPU: " + ErrorText(code)};
    }
    KS_RETURN_IF_ERROR(Check("cuCtxSetCurrent", cu_.CtxSetCurrent(context)));
    // Best effort: not every device has each of them.
    cu_.CtxSetLimit(cuda::kLimitPrintfFifo, kPrintfBytes);
    cu_.CtxSetLimit(cuda::kLimitPersistingL2, 0);
    KS_RETURN_IF_ERROR(
        Check("cuStreamCreate", cu_.StreamCreate(&stream_, cuda::kStreamNonBlocking)));
    Describe(index);
    return {};
  }

  const DeviceInfo& info() const override { return info_; }
  uint64_t alignment() const override { return kAlignment; }

  Result<BufferId> Allocate(uint64_t bytes) override {
    cuda::DevicePointer pointer = 0;
    KS_RETURN_IF_ERROR(Check("cuMemAlloc", cu_.MemAlloc(&pointer, std::max<uint64_t>(bytes, 1))));
    buffers_[next_] = pointer;
    return next_++;
  }
  void Free(BufferId buffer) override {
    const auto found = buffers_.find(buffer);
    if (found == buffers_.end()) return;
    cu_.StreamSynchronize(stream_);
    cu_.MemFree(found->second);
    buffers_.erase(found);
  }

  Status CopyIn(const BufferView& to, const void* from) override {
    if (to.bytes == 0) return {};
    return Check("cuMemcpyHtoDAsync", cu_.MemcpyHtoDAsync(Pointer(to), from, to.bytes, stream_));
  }
  Status CopyOut(void* to, const BufferView& from) override {
    if (from.bytes == 0) return {};
    return Check("cuMemcpyDtoHAsync", cu_.MemcpyDtoHAsync(to, Pointer(from), from.bytes, stream_));
  }
  Status Copy(const BufferView& to, const BufferView& from) override {
    if (from.bytes == 0) return {};
    return Check("cuMemcpyDtoDAsync",
                 cu_.MemcpyDtoDAsync(Pointer(to), Pointer(from), from.bytes, stream_));
  }
  Status Fill(const BufferView& view, uint32_t word) override {
    const uint64_t words = view.bytes / sizeof word;
    const cuda::DevicePointer start = Pointer(view);
    if (words > 0) {
      KS_RETURN_IF_ERROR(
          Check("cuMemsetD32Async", cu_.MemsetD32Async(start, word, words, stream_)));
    }
    for (uint64_t i = words * sizeof word; i < view.bytes; ++i) {
      const auto byte = static_cast<unsigned char>(word >> (8 * (i % sizeof word)));
      KS_RETURN_IF_ERROR(Check("cuMemsetD8Async", cu_.MemsetD8Async(start + i, byte, 1, stream_)));
    }
    return {};
  }

  Status RegisterHost(void* data, size_t bytes) override {
    return Check("cuMemHostRegister", cu_.MemHostRegister(data, bytes, 0));
  }
  void UnregisterHost(void* data) override {
    cu_.StreamSynchronize(stream_);
    cu_.MemHostUnregister(data);
  }

  Result<ModuleId> LoadModule(const DeviceModule& module) override {
    if (module.kind != ModuleKind::kCubin) {
      return Error{ErrorCode::kInvalidArgument, "a CUDA device takes cubins only"};
    }
    cuda::Module handle = nullptr;
    KS_RETURN_IF_ERROR(Check("cuModuleLoadData", cu_.ModuleLoadData(&handle, module.image.data())));
    modules_[next_] = handle;
    return next_++;
  }
  void UnloadModule(ModuleId module) override {
    const auto found = modules_.find(module);
    if (found == modules_.end()) return;
    cu_.StreamSynchronize(stream_);
    for (auto kernel = kernels_.begin(); kernel != kernels_.end();) {
      kernel = kernel->second.module == module ? kernels_.erase(kernel) : std::next(kernel);
    }
    cu_.ModuleUnload(found->second);
    modules_.erase(found);
  }

  Result<KernelInfo> FindKernel(ModuleId module, const std::string& symbol) override {
    LoadedKernel kernel;
    kernel.module = module;
    const int code = cu_.ModuleGetFunction(&kernel.function, modules_.at(module), symbol.c_str());
    if (code != cuda::kSuccess) {
      return Error{CodeOf(code), fmt::format("kernel '{}': {}", symbol, ErrorText(code))};
    }
    KernelInfo info;
    info.id = next_++;
    info.max_threads = Attribute(kernel.function, cuda::kFunctionMaxThreads);
    info.static_shared_bytes = Attribute(kernel.function, cuda::kFunctionStaticShared);
    info.spill_bytes = Attribute(kernel.function, cuda::kFunctionLocalBytes);
    info.registers = Attribute(kernel.function, cuda::kFunctionRegisters);
    if (cu_.FuncGetParamInfo != nullptr) {
      info.has_parameters = true;
      size_t offset = 0;
      size_t size = 0;
      for (size_t i = 0; cu_.FuncGetParamInfo(kernel.function, i, &offset, &size) == cuda::kSuccess;
           ++i) {
        info.parameters.push_back({KernelParameter::Kind::kUnknown, static_cast<uint32_t>(size)});
      }
    }
    kernel.static_shared = info.static_shared_bytes;
    kernels_[info.id] = kernel;
    return info;
  }

  int ResidentBlocks(KernelId kernel, int threads, uint32_t shared_bytes) override {
    LoadedKernel& loaded = kernels_.at(kernel);
    int blocks = 0;
    if (!AllowShared(&loaded, shared_bytes).ok()) return 0;
    cu_.OccupancyMaxActiveBlocks(&blocks, loaded.function, threads, shared_bytes);
    return blocks;
  }

  Status Launch(KernelId kernel, const LaunchShape& shape,
                std::span<const LaunchArgument> arguments) override {
    LoadedKernel& loaded = kernels_.at(kernel);
    KS_RETURN_IF_ERROR(AllowShared(&loaded, shape.shared_bytes));
    values_.resize(arguments.size());
    pointers_.resize(arguments.size());
    for (size_t i = 0; i < arguments.size(); ++i) {
      values_[i] = arguments[i].value;
      if (arguments[i].kind == LaunchArgument::Kind::kBuffer) {
        const cuda::DevicePointer pointer = Pointer(arguments[i].view);
        std::memcpy(values_[i].data(), &pointer, sizeof pointer);
      }
      pointers_[i] = values_[i].data();
    }
    if (shape.cluster > 1 || shape.cooperative) return LaunchExtended(loaded, shape);
    return Check("cuLaunchKernel",
                 cu_.LaunchKernel(loaded.function, shape.grid[0], shape.grid[1], shape.grid[2],
                                  shape.block[0], shape.block[1], shape.block[2],
                                  shape.shared_bytes, stream_, pointers_.data(), nullptr));
  }

  Status BeginSpan(size_t slot) override {
    while (spans_.size() <= slot) {
      Span span;
      KS_RETURN_IF_ERROR(Check("cuEventCreate", cu_.EventCreate(&span.begin, 0)));
      KS_RETURN_IF_ERROR(Check("cuEventCreate", cu_.EventCreate(&span.end, 0)));
      spans_.push_back(span);
    }
    return Check("cuEventRecord", cu_.EventRecord(spans_[slot].begin, stream_));
  }
  Status EndSpan(size_t slot) override {
    return Check("cuEventRecord", cu_.EventRecord(spans_.at(slot).end, stream_));
  }
  Result<double> SpanNs(size_t slot) override {
    float ms = 0;
    KS_RETURN_IF_ERROR(Check("cuEventElapsedTime", cu_.EventElapsedTime(&ms, spans_.at(slot).begin,
                                                                        spans_.at(slot).end)));
    return static_cast<double>(ms) * 1e6;
  }

  // Devices without such lines refuse.
  Status ResetPersistingCache() override {
    cu_.CtxResetPersistingL2Cache();
    return {};
  }
  Status Sync() override { return Check("cuStreamSynchronize", cu_.StreamSynchronize(stream_)); }

  double ClockMhz() override {
    if (!management_tried_) OpenManagement();
    unsigned mhz = 0;
    if (management_device_ == nullptr ||
        management_.ClockInfo(management_device_, kSmClock, &mhz) != 0) {
      return 0;
    }
    return mhz;
  }

  Result<ModuleId> LoadHelpers(const std::string& source, const std::string& image) override {
    DeviceModule module;
    module.image = image;
    if (!image.empty()) {
      Result<ModuleId> loaded = LoadModule(module);
      if (loaded.ok()) {
        helper_image_ = image;
        return loaded;
      }
    }
    Result<std::string> cubin = CompileCubin(compiler_path_, source, info_.arch);
    if (!cubin.ok()) return Error{ErrorCode::kFailedPrecondition, cubin.error().message};
    helper_image_ = *std::move(cubin);
    module.image = helper_image_;
    return LoadModule(module);
  }
  std::string HelperImage(ModuleId) override { return helper_image_; }

 private:
  struct LoadedKernel {
    ModuleId module = -1;
    cuda::Function function = nullptr;
    int64_t static_shared = 0;
    uint32_t allowed_shared = 0;  // dynamic, opted in
  };
  struct Span {
    cuda::Event begin = nullptr, end = nullptr;
  };

  std::string ErrorText(int code) const {
    const char* name = nullptr;
    const char* text = nullptr;
    cu_.GetErrorName(code, &name);
    cu_.GetErrorString(code, &text);
    return fmt::format("{} ({})", text == nullptr ? "unknown error" : text,
                       name == nullptr ? std::to_string(code) : name);
  }
  Status Check(const char* call, int code) const {
    if (code == cuda::kSuccess) return {};
    return Error{CodeOf(code), fmt::format("{}: {}", call, ErrorText(code))};
  }
  int Attribute(cuda::Function function, int attribute) const {
    int value = 0;
    cu_.FuncGetAttribute(&value, attribute, function);
    return value;
  }
  int DeviceAttribute(int attribute) const {
    int value = 0;
    cu_.DeviceGetAttribute(&value, attribute, device_);
    return value;
  }
  cuda::DevicePointer Pointer(const BufferView& view) const {
    return buffers_.at(view.buffer) + view.offset;
  }

  Status AllowShared(LoadedKernel* kernel, uint32_t bytes) {
    if (bytes <= kernel->allowed_shared || kernel->static_shared + bytes <= kSharedWithoutOptin) {
      return {};
    }
    KS_RETURN_IF_ERROR(Check("cuFuncSetAttribute",
                             cu_.FuncSetAttribute(kernel->function, cuda::kFunctionMaxDynamicShared,
                                                  static_cast<int>(bytes))));
    kernel->allowed_shared = bytes;
    return {};
  }

  Status LaunchExtended(const LoadedKernel& kernel, const LaunchShape& shape) {
    std::array<cuda::LaunchAttribute, 2> attributes{};
    cuda::LaunchConfig config;
    config.grid = shape.grid;
    config.block = shape.block;
    config.shared_bytes = shape.shared_bytes;
    config.stream = stream_;
    config.attributes = attributes.data();
    if (shape.cluster > 1) {
      if (shape.cluster > kPortableCluster) {
        cu_.FuncSetAttribute(kernel.function, cuda::kFunctionNonPortableCluster, 1);
      }
      cuda::LaunchAttribute& attribute = attributes[config.attribute_count++];
      attribute.id = cuda::kLaunchClusterDimension;
      attribute.value.cluster = {shape.cluster, 1, 1};
    }
    if (shape.cooperative) {
      cuda::LaunchAttribute& attribute = attributes[config.attribute_count++];
      attribute.id = cuda::kLaunchCooperative;
      attribute.value.cooperative = 1;
    }
    return Check("cuLaunchKernelEx",
                 cu_.LaunchKernelEx(&config, kernel.function, pointers_.data(), nullptr));
  }

  void Describe(int index) {
    std::array<char, 256> name{};
    cu_.DeviceGetName(name.data(), static_cast<int>(name.size()) - 1, device_);
    int version = 0;
    cu_.DriverGetVersion(&version);
    size_t memory = 0;
    cu_.DeviceTotalMem(&memory, device_);
    info_.name = name.data();
    info_.api = "cuda";
    info_.arch = fmt::format("sm_{}{}", DeviceAttribute(cuda::kCapabilityMajor),
                             DeviceAttribute(cuda::kCapabilityMinor));
    info_.driver = fmt::format("CUDA {}.{}", version / 1000, version % 1000 / 10);
    info_.index = index;
    info_.sm_count = DeviceAttribute(cuda::kMultiprocessors);
    info_.warp_size = DeviceAttribute(cuda::kWarpSize);
    info_.memory_bytes = static_cast<int64_t>(memory);
    info_.l2_bytes = DeviceAttribute(cuda::kL2Bytes);
    info_.shared_bytes_per_block = DeviceAttribute(cuda::kSharedPerBlockOptin);
    info_.registers_per_sm = DeviceAttribute(cuda::kRegistersPerMultiprocessor);
    info_.threads_per_sm = DeviceAttribute(cuda::kThreadsPerMultiprocessor);
    info_.shared_bytes_per_sm = DeviceAttribute(cuda::kSharedPerMultiprocessor);
    info_.max_threads_per_block = DeviceAttribute(cuda::kMaxThreadsPerBlock);
    info_.clock_mhz = DeviceAttribute(cuda::kClockRateKhz) / 1000.0;
    const int major = DeviceAttribute(cuda::kCapabilityMajor);
    const bool half_width = major == 7 || (major == 8 && info_.arch == "sm_80");
    const double lanes = half_width ? 64 : 128;  // single precision units of a multiprocessor
    info_.peak_gflops_f32 = info_.sm_count * lanes * 2 * info_.clock_mhz / 1000;
    const double tensor = TensorFlopsPerClock(major, info_.arch);
    info_.peak_gflops_f16 = info_.sm_count * tensor * info_.clock_mhz / 1000;
    info_.peak_gflops_tf32 = major >= 8 ? info_.peak_gflops_f16 / 2 : 0;
    OpenManagement();
  }

  void OpenManagement() {
    management_tried_ = true;
    management_ = cuda::ResolveManagement();
    if (management_.Init == nullptr || management_.Init() != 0) return;
    std::array<char, 32> bus{};
    cu_.DeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()) - 1, device_);
    if (management_.DeviceByPciBusId(bus.data(), &management_device_) != 0) {
      management_device_ = nullptr;
    }
    std::array<char, 96> version{};
    if (management_.DriverVersion(version.data(), version.size() - 1) == 0) {
      info_.driver += fmt::format(", driver {}", version.data());
    }
  }

  const cuda::Functions cu_;
  const std::string compiler_path_;
  std::string helper_image_;
  DeviceInfo info_;
  int device_ = 0;
  cuda::Stream stream_ = nullptr;
  cuda::Management management_;
  void* management_device_ = nullptr;
  bool management_tried_ = false;
  int next_ = 1;
  std::map<BufferId, cuda::DevicePointer> buffers_;
  std::map<ModuleId, cuda::Module> modules_;
  std::map<KernelId, LoadedKernel> kernels_;
  std::vector<Span> spans_;
  std::vector<std::array<std::byte, 8>> values_;  // of the launch being made
  std::vector<void*> pointers_;
};

}  // namespace

Result<std::unique_ptr<DeviceApi>> OpenCudaDevice(const DeviceApiOptions& options) {
  KS_ASSIGN_OR_RETURN(const cuda::Functions functions, cuda::Resolve());
  auto api = std::make_unique<CudaApi>(functions, options.compiler_path);
  KS_RETURN_IF_ERROR(api->Open(options.index));
  return std::unique_ptr<DeviceApi>(std::move(api));
}

}  // namespace ks
