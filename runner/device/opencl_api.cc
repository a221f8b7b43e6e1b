// DeviceApi on OpenCL 1.2: any vendor's, PoCL on a CPU among them.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "device_api.h"
#include "opencl_functions.h"

namespace ks {
namespace {

constexpr uint64_t kLeastAlignment = 256;
constexpr size_t kMaxLogBytes = 8192;
// Value types of the language, as clGetKernelArgInfo names them.
constexpr std::array<std::tuple<std::string_view, uint32_t, bool>, 14> kValueTypes = {
    {{"char", 1, false},
     {"uchar", 1, false},
     {"short", 2, false},
     {"ushort", 2, false},
     {"int", 4, false},
     {"uint", 4, false},
     {"long", 8, false},
     {"ulong", 8, false},
     {"float", 4, true},
     {"double", 8, true},
     {"unsigned char", 1, false},
     {"unsigned short", 2, false},
     {"unsigned int", 4, false},
     {"unsigned long", 8, false}}};

Error ApiError(const char* call, int32_t code) {
  const std::string text = fmt::format("{}: {}", call, cl::ErrorName(code));
  switch (code) {
    case cl::kMemObjectAllocationFailure:
    case cl::kOutOfHostMemory:
    case cl::kInvalidBufferSize:
      return {ErrorCode::kResourceExhausted, text};
    case cl::kOutOfResources:  // registers or local memory of a launch; a fault on some drivers
    case cl::kInvalidKernelName:
    case cl::kInvalidKernelArgs:
    case cl::kInvalidWorkDimension:
    case cl::kInvalidWorkGroupSize:
    case cl::kInvalidWorkItemSize:
    case cl::kInvalidGlobalWorkSize:
      return {ErrorCode::kInvalidArgument, text};
    case cl::kExecStatusErrorInWaitList:
      return {ErrorCode::kDataLoss, text};
    default:
      return {ErrorCode::kInternal, text};
  }
}

Status Check(const char* call, int32_t code) {
  if (code == cl::kSuccess) return {};
  return ApiError(call, code);
}

class OpenClApi final : public DeviceApi {
 public:
  explicit OpenClApi(const cl::Functions& functions) : cl_(functions) {}
  ~OpenClApi() override = default;  // the process ends with it

  Status Open(int index) {
    KS_RETURN_IF_ERROR(FindDevice(index));
    Describe(index);
    const std::string extensions = DeviceText(cl::kDeviceExtensions);
    if (extensions.find("cl_khr_fp64") == std::string::npos) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("{} has no cl_khr_fp64, which comparing outputs needs", info_.name)};
    }
    int32_t code = 0;
    context_ = cl_.CreateContext(nullptr, 1, &device_, nullptr, nullptr, &code);
    if (code != cl::kSuccess) return ApiError("clCreateContext", code);
    queue_ = cl_.CreateCommandQueue(context_, device_, cl::kQueueProfiling, &code);
    return Check("clCreateCommandQueue", code);
  }

  const DeviceInfo& info() const override { return info_; }
  uint64_t alignment() const override { return alignment_; }

  Result<BufferId> Allocate(uint64_t bytes) override {
    int32_t code = 0;
    const cl::Memory memory =
        cl_.CreateBuffer(context_, cl::kMemReadWrite, std::max<uint64_t>(bytes, 1), nullptr, &code);
    if (code != cl::kSuccess) return ApiError("clCreateBuffer", code);
    buffers_[next_] = memory;
    return next_++;
  }

  void Free(BufferId buffer) override {
    cl_.Finish(queue_);
    std::erase_if(views_, [&](const auto& entry) {
      const bool part = std::get<0>(entry.first) == buffer;
      if (part) cl_.ReleaseMemObject(entry.second);
      return part;
    });
    const auto found = buffers_.find(buffer);
    if (found == buffers_.end()) return;
    cl_.ReleaseMemObject(found->second);
    buffers_.erase(found);
  }

  Status CopyIn(const BufferView& to, const void* from) override {
    if (to.bytes == 0) return {};
    return Check("clEnqueueWriteBuffer",
                 cl_.EnqueueWriteBuffer(queue_, buffers_.at(to.buffer), 0, to.offset, to.bytes,
                                        from, 0, nullptr, nullptr));
  }
  Status CopyOut(void* to, const BufferView& from) override {
    if (from.bytes == 0) return {};
    return Check("clEnqueueReadBuffer",
                 cl_.EnqueueReadBuffer(queue_, buffers_.at(from.buffer), 0, from.offset, from.bytes,
                                       to, 0, nullptr, nullptr));
  }
  Status Copy(const BufferView& to, const BufferView& from) override {
    if (from.bytes == 0) return {};
    cl::Event event = nullptr;
    KS_RETURN_IF_ERROR(
        Check("clEnqueueCopyBuffer",
              cl_.EnqueueCopyBuffer(queue_, buffers_.at(from.buffer), buffers_.at(to.buffer),
                                    from.offset, to.offset, from.bytes, 0, nullptr,
                                    span_ == nullptr ? nullptr : &event)));
    if (span_ != nullptr) span_->push_back(event);
    return {};
  }

  Status Fill(const BufferView& view, uint32_t word) override {
    const uint64_t whole = view.bytes / sizeof word * sizeof word;
    if (whole > 0) KS_RETURN_IF_ERROR(FillPart(view, 0, whole, &word, sizeof word));
    const auto* bytes = reinterpret_cast<const unsigned char*>(&word);
    for (uint64_t i = whole; i < view.bytes; ++i) {
      KS_RETURN_IF_ERROR(FillPart(view, i, 1, bytes + (i - whole), 1));
    }
    return {};
  }

  Status RegisterHost(void*, size_t) override { return {}; }
  void UnregisterHost(void*) override {}

  Result<ModuleId> LoadModule(const DeviceModule& module) override {
    if (module.kind != ModuleKind::kOpenClSource) {
      return Error{ErrorCode::kInvalidArgument, "an OpenCL device takes OpenCL C source only"};
    }
    const char* text = module.image.data();
    const size_t length = module.image.size();
    int32_t code = 0;
    const cl::Program program = cl_.CreateProgramWithSource(context_, 1, &text, &length, &code);
    if (code != cl::kSuccess) return ApiError("clCreateProgramWithSource", code);
    return Build(program, module.options + " -cl-kernel-arg-info");
  }

  void UnloadModule(ModuleId module) override {
    const auto found = modules_.find(module);
    if (found == modules_.end()) return;
    cl_.Finish(queue_);
    std::erase_if(kernels_, [&](const auto& entry) {
      const bool of_module = entry.second.module == module;
      if (of_module) cl_.ReleaseKernel(entry.second.kernel);
      return of_module;
    });
    cl_.ReleaseProgram(found->second);
    modules_.erase(found);
  }

  Result<KernelInfo> FindKernel(ModuleId module, const std::string& symbol) override {
    int32_t code = 0;
    const cl::Kernel kernel = cl_.CreateKernel(modules_.at(module), symbol.c_str(), &code);
    if (code != cl::kSuccess) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("kernel '{}': {}", symbol, cl::ErrorName(code))};
    }
    KernelInfo info;
    info.id = next_++;
    kernels_[info.id] = {module, kernel};
    info.max_threads = static_cast<int>(GroupInfo<size_t>(kernel, cl::kKernelWorkGroupSize));
    info.static_shared_bytes =
        static_cast<int64_t>(GroupInfo<uint64_t>(kernel, cl::kKernelLocalMemSize));
    if (!info_.is_cpu) {  // there it is the compiler's own workspace
      info.spill_bytes =
          static_cast<int64_t>(GroupInfo<uint64_t>(kernel, cl::kKernelPrivateMemSize));
    }
    KS_RETURN_IF_ERROR(ReadParameters(kernel, symbol, &info));
    return info;
  }

  int ResidentBlocks(KernelId, int, uint32_t) override { return 0; }

  Status Launch(KernelId kernel, const LaunchShape& shape,
                std::span<const LaunchArgument> arguments) override {
    const cl::Kernel handle = kernels_.at(kernel).kernel;
    for (uint32_t i = 0; i < arguments.size(); ++i) {
      KS_RETURN_IF_ERROR(SetArgument(handle, i, arguments[i]));
    }
    std::array<size_t, 3> local{};
    std::array<size_t, 3> global{};
    for (size_t i = 0; i < 3; ++i) {
      local[i] = shape.block[i];
      global[i] = size_t{shape.block[i]} * shape.grid[i];
    }
    cl::Event event = nullptr;
    KS_RETURN_IF_ERROR(
        Check("clEnqueueNDRangeKernel",
              cl_.EnqueueNDRangeKernel(queue_, handle, 3, nullptr, global.data(), local.data(), 0,
                                       nullptr, span_ == nullptr ? nullptr : &event)));
    if (span_ != nullptr) span_->push_back(event);
    return {};
  }

  Status BeginSpan(size_t slot) override {
    if (slot >= spans_.size()) spans_.resize(slot + 1);
    for (const cl::Event event : spans_[slot]) cl_.ReleaseEvent(event);
    spans_[slot].clear();
    span_ = &spans_[slot];
    return {};
  }
  Status EndSpan(size_t) override {
    span_ = nullptr;
    return Check("clFlush", cl_.Flush(queue_));
  }
  // Between the first command's start and the last one's end.
  Result<double> SpanNs(size_t slot) override {
    uint64_t first = ~uint64_t{0};
    uint64_t last = 0;
    for (const cl::Event event : spans_.at(slot)) {
      uint64_t start = 0;
      uint64_t end = 0;
      int32_t code =
          cl_.GetEventProfilingInfo(event, cl::kProfilingStart, sizeof start, &start, nullptr);
      if (code == cl::kSuccess) {
        code = cl_.GetEventProfilingInfo(event, cl::kProfilingEnd, sizeof end, &end, nullptr);
      }
      if (code != cl::kSuccess) return ApiError("clGetEventProfilingInfo", code);
      first = std::min(first, start);
      last = std::max(last, end);
    }
    return last > first ? static_cast<double>(last - first) : 0.0;
  }

  Status ResetPersistingCache() override { return {}; }
  Status Sync() override {
    const int32_t code = cl_.Finish(queue_);
    // Drivers of GPUs report an illegal access so.
    if (code == cl::kOutOfResources) {
      return Error{ErrorCode::kDataLoss, "clFinish: " + cl::ErrorName(code)};
    }
    return Check("clFinish", code);
  }
  double ClockMhz() override { return 0; }

  Result<ModuleId> LoadHelpers(const std::string& source, const std::string& image) override {
    if (!image.empty()) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(image.data());
      const size_t length = image.size();
      int32_t binary_code = 0;
      int32_t code = 0;
      const cl::Program program =
          cl_.CreateProgramWithBinary(context_, 1, &device_, &length, &bytes, &binary_code, &code);
      if (code == cl::kSuccess) return Build(program, "");
    }
    DeviceModule module;
    module.kind = ModuleKind::kOpenClSource;
    module.image = source;
    return LoadModule(module);
  }
  std::string HelperImage(ModuleId helpers) override { return ProgramBinary(modules_.at(helpers)); }

 private:
  struct LoadedKernel {
    ModuleId module = -1;
    cl::Kernel kernel = nullptr;
  };

  Status FindDevice(int index) {
    std::array<cl::Platform, 16> platforms{};
    uint32_t platform_count = 0;
    const int32_t code = cl_.GetPlatformIDs(platforms.size(), platforms.data(), &platform_count);
    uint32_t seen = 0;
    for (uint32_t p = 0; code == cl::kSuccess && p < std::min<uint32_t>(platform_count, 16); ++p) {
      std::array<cl::Device, 16> devices{};
      uint32_t count = 0;
      if (cl_.GetDeviceIDs(platforms[p], cl::kDeviceTypeAll, devices.size(), devices.data(),
                           &count) != cl::kSuccess) {
        continue;
      }
      for (uint32_t d = 0; d < std::min<uint32_t>(count, 16); ++d) {
        if (seen++ == static_cast<uint32_t>(index)) device_ = devices[d];
      }
    }
    if (device_ != nullptr) return {};
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("no OpenCL device {}: {} found. Install a driver (Debian, for the "
                             "CPU: pocl-opencl-icd)",
                             index, seen)};
  }

  std::string DeviceText(uint32_t what) const {
    size_t bytes = 0;
    if (cl_.GetDeviceInfo(device_, what, 0, nullptr, &bytes) != cl::kSuccess) return {};
    std::string text(bytes, '\0');
    cl_.GetDeviceInfo(device_, what, bytes, text.data(), nullptr);
    while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
    return text;
  }
  template <typename T>
  T DeviceNumber(uint32_t what) const {
    T value{};
    cl_.GetDeviceInfo(device_, what, sizeof value, &value, nullptr);
    return value;
  }
  template <typename T>
  T GroupInfo(cl::Kernel kernel, uint32_t what) const {
    T value{};
    cl_.GetKernelWorkGroupInfo(kernel, device_, what, sizeof value, &value, nullptr);
    return value;
  }

  void Describe(int index) {
    info_.name = DeviceText(cl::kDeviceName);
    info_.api = "opencl";
    info_.arch = DeviceText(cl::kDeviceVersion);
    info_.driver = DeviceText(cl::kDriverVersion);
    info_.index = index;
    info_.is_cpu = (DeviceNumber<uint64_t>(cl::kDeviceType) & cl::kDeviceTypeCpu) != 0;
    info_.sm_count = static_cast<int>(DeviceNumber<uint32_t>(cl::kDeviceMaxComputeUnits));
    info_.warp_size = 1;
    info_.memory_bytes = static_cast<int64_t>(DeviceNumber<uint64_t>(cl::kDeviceGlobalMemSize));
    info_.l2_bytes = static_cast<int64_t>(DeviceNumber<uint64_t>(cl::kDeviceGlobalMemCacheSize));
    info_.shared_bytes_per_block =
        static_cast<int64_t>(DeviceNumber<uint64_t>(cl::kDeviceLocalMemSize));
    info_.max_threads_per_block =
        static_cast<int64_t>(DeviceNumber<size_t>(cl::kDeviceMaxWorkGroupSize));
    info_.clock_mhz = DeviceNumber<uint32_t>(cl::kDeviceMaxClockFrequency);
    alignment_ = std::max<uint64_t>(kLeastAlignment,
                                    DeviceNumber<uint32_t>(cl::kDeviceMemBaseAddrAlign) / 8);
  }

  Status FillPart(const BufferView& view, uint64_t from, uint64_t bytes, const void* pattern,
                  size_t pattern_bytes) {
    cl::Event event = nullptr;
    KS_RETURN_IF_ERROR(Check("clEnqueueFillBuffer",
                             cl_.EnqueueFillBuffer(queue_, buffers_.at(view.buffer), pattern,
                                                   pattern_bytes, view.offset + from, bytes, 0,
                                                   nullptr, span_ == nullptr ? nullptr : &event)));
    if (span_ != nullptr) span_->push_back(event);
    return {};
  }

  Result<ModuleId> Build(cl::Program program, const std::string& options) {
    const int32_t code = cl_.BuildProgram(program, 1, &device_, options.c_str(), nullptr, nullptr);
    if (code != cl::kSuccess) {
      const std::string log = BuildLog(program);
      cl_.ReleaseProgram(program);
      return Error{ErrorCode::kInvalidArgument, log.empty() ? cl::ErrorName(code) : log};
    }
    modules_[next_] = program;
    return next_++;
  }

  std::string BuildLog(cl::Program program) const {
    size_t bytes = 0;
    cl_.GetProgramBuildInfo(program, device_, cl::kProgramBuildLog, 0, nullptr, &bytes);
    std::string log(bytes, '\0');
    cl_.GetProgramBuildInfo(program, device_, cl::kProgramBuildLog, bytes, log.data(), nullptr);
    while (!log.empty() && log.back() == '\0') log.pop_back();
    log.resize(std::min(log.size(), kMaxLogBytes));
    return log;
  }

  // Empty when the driver does not give it.
  std::string ProgramBinary(cl::Program program) const {
    size_t bytes = 0;
    if (cl_.GetProgramInfo(program, cl::kProgramBinarySizes, sizeof bytes, &bytes, nullptr) !=
        cl::kSuccess) {
      return {};
    }
    std::string image(bytes, '\0');
    auto* data = reinterpret_cast<unsigned char*>(image.data());
    if (cl_.GetProgramInfo(program, cl::kProgramBinaries, sizeof(data), static_cast<void*>(&data),
                           nullptr) != cl::kSuccess) {
      return {};
    }
    return image;
  }

  // The size that the driver takes for a value; 0: none of a number's.
  uint32_t ProbeSize(cl::Kernel kernel, uint32_t index) const {
    const uint64_t zero = 0;
    for (const uint32_t bytes : {8U, 4U, 2U, 1U}) {
      if (cl_.SetKernelArg(kernel, index, bytes, &zero) == cl::kSuccess) return bytes;
    }
    return 0;
  }

  Status ReadParameters(cl::Kernel kernel, const std::string& symbol, KernelInfo* info) const {
    uint32_t count = 0;
    cl_.GetKernelInfo(kernel, cl::kKernelNumArgs, sizeof count, &count, nullptr);
    info->has_parameters = true;
    for (uint32_t i = 0; i < count; ++i) {
      KernelParameter parameter;
      uint32_t qualifier = 0;
      if (cl_.GetKernelArgInfo(kernel, i, cl::kKernelArgAddressQualifier, sizeof qualifier,
                               &qualifier, nullptr) != cl::kSuccess) {
        info->has_parameters = false;
        info->parameters.clear();
        return {};
      }
      if (qualifier == cl::kAddressGlobal || qualifier == cl::kAddressConstant) {
        parameter = {KernelParameter::Kind::kBuffer, 8};
      } else if (qualifier == cl::kAddressLocal) {
        parameter = {KernelParameter::Kind::kLocal, 0};
      } else {
        std::array<char, 128> name{};
        cl_.GetKernelArgInfo(kernel, i, cl::kKernelArgTypeName, name.size() - 1, name.data(),
                             nullptr);
        const auto found = std::find_if(kValueTypes.begin(), kValueTypes.end(), [&](const auto& t) {
          return std::get<0>(t) == name.data();
        });
        if (found != kValueTypes.end()) {
          parameter.kind =
              std::get<2>(*found) ? KernelParameter::Kind::kFloat : KernelParameter::Kind::kValue;
          parameter.bytes = std::get<1>(*found);
        } else {
          parameter.bytes = ProbeSize(kernel, i);  // a name of the program's own
        }
        if (parameter.bytes == 0) {
          return Error{ErrorCode::kInvalidArgument,
                       fmt::format("kernel '{}': argument {} has type {}; expected a pointer or a "
                                   "plain number",
                                   symbol, i + 1, name.data())};
        }
      }
      info->parameters.push_back(parameter);
    }
    return {};
  }

  Status SetArgument(cl::Kernel kernel, uint32_t index, const LaunchArgument& argument) {
    if (argument.kind == LaunchArgument::Kind::kBuffer) {
      KS_ASSIGN_OR_RETURN(const cl::Memory memory, View(argument.view));
      return Check("clSetKernelArg", cl_.SetKernelArg(kernel, index, sizeof(cl::Memory), &memory));
    }
    const void* value =
        argument.kind == LaunchArgument::Kind::kLocal ? nullptr : argument.value.data();
    const int32_t code = cl_.SetKernelArg(kernel, index, argument.bytes, value);
    if (code == cl::kSuccess) return {};
    return Error{ErrorCode::kInvalidArgument, fmt::format("argument {} of {} bytes: {}", index + 1,
                                                          argument.bytes, cl::ErrorName(code))};
  }

  Result<cl::Memory> View(const BufferView& view) {
    if (view.offset == 0 && view.bytes == 0) return buffers_.at(view.buffer);
    const auto key = std::make_tuple(view.buffer, view.offset, view.bytes);
    const auto found = views_.find(key);
    if (found != views_.end()) return found->second;
    const cl::BufferRegion region = {view.offset, std::max<uint64_t>(view.bytes, 1)};
    int32_t code = 0;
    const cl::Memory memory = cl_.CreateSubBuffer(buffers_.at(view.buffer), cl::kMemReadWrite,
                                                  cl::kBufferCreateTypeRegion, &region, &code);
    if (code != cl::kSuccess) return ApiError("clCreateSubBuffer", code);
    views_[key] = memory;
    return memory;
  }

  const cl::Functions cl_;
  DeviceInfo info_;
  uint64_t alignment_ = kLeastAlignment;
  cl::Device device_ = nullptr;
  cl::Context context_ = nullptr;
  cl::Queue queue_ = nullptr;
  int next_ = 1;
  std::map<BufferId, cl::Memory> buffers_;
  std::map<std::tuple<BufferId, uint64_t, uint64_t>, cl::Memory> views_;
  std::map<ModuleId, cl::Program> modules_;
  std::map<KernelId, LoadedKernel> kernels_;
  std::vector<std::vector<cl::Event>> spans_;
  std::vector<cl::Event>* span_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<DeviceApi>> OpenOpenClDevice(const DeviceApiOptions& options) {
  KS_ASSIGN_OR_RETURN(const cl::Functions functions, cl::Resolve());
  auto api = std::make_unique<OpenClApi>(functions);
  KS_RETURN_IF_ERROR(api->Open(options.index));
  return std::unique_ptr<DeviceApi>(std::move(api));
}

}  // namespace ks
