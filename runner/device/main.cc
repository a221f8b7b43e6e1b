// ksmith-device-runner: owns one device for the engine. Reads commands from a socket, answers them,
// and ends when the socket does.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "session.h"

namespace ks {
namespace {

// The memory file that both sides map. Single thread.
class Staging {
 public:
  explicit Staging(DeviceApi& api) : api_(api) {}
  ~Staging() { Unmap(); }

  // Makes at least `bytes` of the file visible. ERRORS: kResourceExhausted; kFailedPrecondition:
  // the file is shorter.
  Status Cover(uint64_t bytes) {
    if (bytes <= bytes_) return {};
    struct stat info = {};
    if (fstat(kDeviceStagingFd, &info) != 0 || static_cast<uint64_t>(info.st_size) < bytes) {
      return Error{ErrorCode::kFailedPrecondition, "the memory file is shorter than it should be"};
    }
    Unmap();
    void* const memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kDeviceStagingFd, 0);
    if (memory == MAP_FAILED) {
      return Error{ErrorCode::kResourceExhausted, "mapping the memory file"};
    }
    data_ = static_cast<std::byte*>(memory);
    bytes_ = bytes;
    // Faster, not needed: ordinary memory works too.
    registered_ = api_.RegisterHost(data_, bytes_).ok();
    return {};
  }

  // The places of `spans`. ERRORS: kFailedPrecondition: sizes differ from `wanted` or lie outside.
  Result<std::vector<std::byte*>> Places(const std::vector<StagingSpan>& spans,
                                         const std::vector<uint64_t>& wanted) const {
    std::vector<std::byte*> places;
    bool good = spans.size() == wanted.size();
    for (size_t i = 0; good && i < spans.size(); ++i) {
      good = spans[i].bytes == wanted[i] && spans[i].offset <= bytes_ &&
             spans[i].bytes <= bytes_ - spans[i].offset;
      places.push_back(data_ + (good ? spans[i].offset : 0));
    }
    if (good) return places;
    return Error{ErrorCode::kFailedPrecondition, "contents of another size than the task says"};
  }

 private:
  void Unmap() {
    if (registered_) api_.UnregisterHost(data_);
    if (data_ != nullptr) munmap(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
    registered_ = false;
  }

  DeviceApi& api_;
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
  bool registered_ = false;
};

struct Answer {
  AnswerKind kind = AnswerKind::kDone;
  std::string payload;
  bool last = false;  // the device is unusable
};

Answer Failed(const Error& error) {
  return {AnswerKind::kError, Encode(error), error.code == ErrorCode::kDataLoss};
}

Answer From(const Status& status) { return status.ok() ? Answer{} : Failed(status.error()); }

template <typename T, typename ToBytes>
Answer From(const DeviceResult<T>& result, ToBytes&& to_bytes) {
  if (!result.ok()) return Failed(result.error());
  if (const auto* fault = std::get_if<Outcome>(&*result)) {
    return {AnswerKind::kFault, Encode(*fault), std::holds_alternative<Crashed>(*fault)};
  }
  return {AnswerKind::kDone, to_bytes(*std::get_if<T>(&*result))};
}

// Everything after the first command. Single thread.
class Server {
 public:
  Server(DeviceApi& api, Helpers& helpers)
      : helpers_(helpers), session_(api, helpers), staging_(api) {}

  Answer Handle(DeviceCommand command, const std::string& payload) {
    switch (command) {
      case DeviceCommand::kOpenTask:
        return OpenTask(payload);
      case DeviceCommand::kSetContents:
        return SetContents(payload);
      case DeviceCommand::kDropContents:
        return WithNumber(payload, [&](double number) {
          session_.DropContents(static_cast<size_t>(number));
          return Answer{};
        });
      case DeviceCommand::kLoad:
        return From(session_.Load(payload), [](const LoadedProgram& p) { return Encode(p); });
      case DeviceCommand::kUnload:
        return WithNumber(payload, [&](double number) {
          return From(session_.Unload(static_cast<int>(number)));
        });
      case DeviceCommand::kCall:
        return Call(payload);
      case DeviceCommand::kTimePairs:
        return WithPairs(payload, [&](const PairsMessage& message) {
          return From(session_.TimePairs(message.pairs),
                      [](const PairRound& round) { return Encode(round); });
        });
      case DeviceCommand::kCompare:
        return WithPairs(payload, [&](const PairsMessage& message) {
          return From(session_.Compare(message.pairs, message.tolerance),
                      [](const Agreement& agreement) { return Encode(agreement); });
        });
      case DeviceCommand::kProbe:
        return Probe();
      case DeviceCommand::kMeasureCopy:
        return MeasureCopy();
      case DeviceCommand::kOpen:
        break;
    }
    return Failed({ErrorCode::kFailedPrecondition, "a command that is not known or not now"});
  }

 private:
  template <typename Body>
  static Answer WithNumber(const std::string& payload, Body&& body) {
    const Result<double> number = DecodeNumber(payload);
    return number.ok() ? body(*number) : Failed(number.error());
  }
  template <typename Body>
  static Answer WithPairs(const std::string& payload, Body&& body) {
    PairsMessage message;
    const Status status = Decode(payload, &message);
    return status.ok() ? body(message) : Failed(status.error());
  }

  Answer OpenTask(const std::string& payload) {
    TaskLayout layout;
    const Status status = Decode(payload, &layout);
    if (!status.ok()) return Failed(status.error());
    for (const WorkloadLayout& workload : layout.workloads) {
      if (workload.input_counts.size() != layout.inputs.size() ||
          workload.output_counts.size() != layout.outputs.size()) {
        return Failed({ErrorCode::kFailedPrecondition, "a task whose workloads do not fit it"});
      }
    }
    session_.OpenTask(std::move(layout));
    return {};
  }

  Status SetContentsInner(const ContentsRequest& request) {
    KS_RETURN_IF_ERROR(staging_.Cover(request.staging_bytes));
    std::vector<uint64_t> sizes;
    for (const StagingSpan& span : request.inputs) sizes.push_back(span.bytes);
    KS_ASSIGN_OR_RETURN(const auto places, staging_.Places(request.inputs, sizes));
    std::vector<std::span<const std::byte>> inputs;
    for (size_t i = 0; i < places.size(); ++i) inputs.emplace_back(places[i], sizes[i]);
    return session_.SetContents(request.workload, request.placement, inputs);
  }
  Answer SetContents(const std::string& payload) {
    ContentsRequest request;
    const Status status = Decode(payload, &request);
    return status.ok() ? From(SetContentsInner(request)) : Failed(status.error());
  }

  DeviceResult<double> CallInner(const CallRequest& request) {
    KS_ASSIGN_OR_RETURN(const auto wanted, session_.OutputBytes(request.workload));
    KS_RETURN_IF_ERROR(staging_.Cover(request.staging_bytes));
    KS_ASSIGN_OR_RETURN(const auto places, staging_.Places(request.outputs, wanted));
    return session_.Call(request.program, request.workload, request.salt, places);
  }
  Answer Call(const std::string& payload) {
    CallRequest request;
    const Status status = Decode(payload, &request);
    if (!status.ok()) return Failed(status.error());
    return From(CallInner(request), [](double ns) { return EncodeNumber(ns); });
  }

  Answer Probe() {
    const Result<bool> healthy = helpers_.Probe();
    if (!healthy.ok()) return Failed(healthy.error());
    return {AnswerKind::kDone, EncodeNumber(*healthy ? 1 : 0)};
  }
  Answer MeasureCopy() {
    const Result<double> rate = session_.MeasureCopyGbytes();
    return rate.ok() ? Answer{AnswerKind::kDone, EncodeNumber(*rate)} : Failed(rate.error());
  }

  Helpers& helpers_;
  Session session_;
  Staging staging_;
};

Result<std::unique_ptr<DeviceApi>> OpenDevice(const OpenRequest& request) {
  DeviceApiOptions options;
  options.index = static_cast<int>(request.index);
  options.compiler_path = request.compiler_path;
  if (request.api == "opencl") return OpenOpenClDevice(options);
  if (request.api == "cuda") return OpenCudaDevice(options);
  return Error{ErrorCode::kFailedPrecondition, fmt::format("no api '{}'", request.api)};
}

// Until the socket closes or the device is lost.
void Serve(Server& server) {
  for (;;) {
    const Result<Frame> frame = ReadFrame(kDeviceSocketFd);
    if (!frame.ok()) return;
    const Answer answer = server.Handle(static_cast<DeviceCommand>(frame->what), frame->payload);
    if (!WriteFrame(kDeviceSocketFd, static_cast<uint32_t>(answer.kind), answer.payload).ok() ||
        answer.last) {
      return;
    }
  }
}

struct Opened {
  std::unique_ptr<DeviceApi> api;
  std::unique_ptr<Helpers> helpers;
  OpenAnswer answer;
};

Result<Opened> Open() {
  KS_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(kDeviceSocketFd));
  OpenRequest request;
  KS_RETURN_IF_ERROR(Decode(frame.payload, &request));
  Opened opened;
  KS_ASSIGN_OR_RETURN(opened.api, OpenDevice(request));
  opened.answer.info = opened.api->info();
  if (request.describe_only) return opened;
  opened.answer.helper_image = std::move(request.helper_image);
  KS_ASSIGN_OR_RETURN(opened.helpers, Helpers::Load(*opened.api, &opened.answer.helper_image));
  return opened;
}

int Run() {
  const Result<Opened> opened = Open();
  if (!opened.ok()) {
    const Status ignored = WriteFrame(kDeviceSocketFd, static_cast<uint32_t>(AnswerKind::kError),
                                      Encode(opened.error()));
    return ignored.ok() ? 1 : 2;
  }
  const std::string answer = Encode(opened->answer);
  if (!WriteFrame(kDeviceSocketFd, static_cast<uint32_t>(AnswerKind::kDone), answer).ok()) return 2;
  if (opened->helpers != nullptr) {
    Server server(*opened->api, *opened->helpers);
    Serve(server);
  }
  // Drivers' own destructors may wait for a device that does not answer any more.
  _exit(0);
}

}  // namespace
}  // namespace ks

int main() { return ks::Run(); }
