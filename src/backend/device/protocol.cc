#include "backend/device/protocol.h"

#include "backend/device/wire.h"

namespace ks {
namespace {

// Each message is described once, by a function that visits its fields in order; a Putter writes
// them and a Getter reads them.
class Putter {
 public:
  template <WireNumber T>
  void operator()(const T& value) {
    out_.Number(value);
  }
  void operator()(const bool& value) { out_.Number(static_cast<uint8_t>(value)); }
  void operator()(const std::string& value) { out_.Text(value); }
  template <typename T>
  void operator()(const std::vector<T>& items) {
    out_.List(items, [&](const T& item) { Each(item); });
  }
  template <typename T>
  void Each(const T& item) {
    if constexpr (WireNumber<T>) {
      (*this)(item);
    } else {
      Fields(*this, item);
    }
  }
  std::string Take() { return out_.Take(); }

 private:
  WireWriter out_;
};

class Getter {
 public:
  explicit Getter(std::string_view bytes) : in_(bytes) {}
  template <WireNumber T>
  void operator()(T& value) {
    value = in_.Number<T>();
  }
  void operator()(bool& value) { value = in_.Flag(); }
  void operator()(DType& value) {
    value = static_cast<DType>(in_.Number<int>());
    if (value < DType::kF32 || value > DType::kU8) bad_ = true;
  }
  void operator()(ErrorCode& value) {
    value = static_cast<ErrorCode>(in_.Number<int>());
    if (value < ErrorCode::kInvalidArgument || value > ErrorCode::kInternal) bad_ = true;
  }
  void operator()(std::string& value) { value = in_.Text(); }
  template <typename T>
  void operator()(std::vector<T>& items) {
    items = in_.List<T>(1, [&] {
      T item{};
      if constexpr (WireNumber<T>) {
        (*this)(item);
      } else {
        Fields(*this, item);
      }
      return item;
    });
  }
  bool AtEnd() const { return in_.AtEnd() && !bad_; }

 private:
  WireReader in_;
  bool bad_ = false;
};

// What a field is constant in when it is written.
template <typename Visitor, typename T>
using Of = std::conditional_t<std::is_same_v<Visitor, Putter>, const T, T>;

template <typename V>
void Fields(V& v, Of<V, OpenRequest>& m) {
  v(m.api), v(m.index), v(m.compiler_path), v(m.helper_image), v(m.describe_only);
}
template <typename V>
void Fields(V& v, Of<V, DeviceInfo>& m) {
  v(m.name), v(m.api), v(m.arch), v(m.driver), v(m.index), v(m.is_cpu), v(m.sm_count);
  v(m.warp_size), v(m.memory_bytes), v(m.l2_bytes), v(m.shared_bytes_per_block);
  v(m.registers_per_sm), v(m.threads_per_sm), v(m.shared_bytes_per_sm);
  v(m.max_threads_per_block), v(m.clock_mhz), v(m.copy_gbytes_per_s), v(m.peak_gflops_f32);
  v(m.peak_gflops_tf32), v(m.peak_gflops_f16);
}
template <typename V>
void Fields(V& v, Of<V, OpenAnswer>& m) {
  Fields(v, m.info);
  v(m.helper_image);
}
template <typename V>
void Fields(V& v, Of<V, InputLayout>& m) {
  v(m.name), v(m.dtype), v(m.scalar), v(m.exchange);
}
template <typename V>
void Fields(V& v, Of<V, OutputLayout>& m) {
  v(m.name), v(m.dtype);
}
template <typename V>
void Fields(V& v, Of<V, WorkloadLayout>& m) {
  v(m.name), v(m.input_counts), v(m.output_counts);
}
template <typename V>
void Fields(V& v, Of<V, TaskLayout>& m) {
  v(m.inputs), v(m.outputs), v(m.workloads), v(m.feature_workload);
}
template <typename V>
void Fields(V& v, Of<V, StagingSpan>& m) {
  v(m.offset), v(m.bytes);
}
template <typename V>
void Fields(V& v, Of<V, ContentsRequest>& m) {
  v(m.workload), v(m.placement), v(m.staging_bytes), v(m.inputs);
}
template <typename V>
void Fields(V& v, Of<V, CallRequest>& m) {
  v(m.program), v(m.workload), v(m.salt), v(m.staging_bytes), v(m.outputs);
}
template <typename V>
void Fields(V& v, Of<V, PairsMessage>& m) {
  v(m.pairs.rival), v(m.pairs.candidate), v(m.pairs.workload), v(m.pairs.pairs);
  v(m.pairs.first_pair), v(m.pairs.seed), v(m.pairs.timeout_s);
  v(m.tolerance.relative), v(m.tolerance.absolute), v(m.tolerance.scale);
  v(m.tolerance.norm_relative);
}
template <typename V>
void Fields(V& v, Of<V, LoadedProgram>& m) {
  v(m.handle), v(m.features.launches), v(m.features.registers), v(m.features.spill_bytes);
  v(m.features.shared_bytes), v(m.features.threads_per_block), v(m.features.occupancy);
  v(m.features.blocks_per_sm), v(m.features.scratch_bytes);
}
template <typename V>
void Fields(V& v, Of<V, DevicePair>& m) {
  v(m.rival_ns), v(m.candidate_ns), v(m.throttled);
}
template <typename V>
void Fields(V& v, Of<V, OutOfBounds>& m) {
  v(m.workload), v(m.buffer), v(m.access);
}
template <typename V>
void Fields(V& v, Of<V, PairRound>& m) {
  v(m.pairs), v(m.device_ns), v(m.clock_mhz);
}
template <typename V>
void Fields(V& v, Of<V, OutputDifference>& m) {
  v(m.mismatches), v(m.elements), v(m.first_index), v(m.got), v(m.want), v(m.max_error);
  v(m.error_norm), v(m.want_norm);
}
template <typename V>
void Fields(V& v, Of<V, Agreement>& m) {
  v(m.outputs);
}
template <typename V>
void Fields(V& v, Of<V, Error>& m) {
  v(m.code), v(m.message);
}

template <typename T>
std::string Written(const T& message) {
  Putter put;
  Fields(put, message);
  return put.Take();
}

Error Garbled(const char* what) {
  return {ErrorCode::kDataLoss, std::string("a garbled device message: ") + what};
}

template <typename T>
Status Taken(std::string_view bytes, const char* what, T* message) {
  Getter get(bytes);
  Fields(get, *message);
  if (!get.AtEnd()) return Garbled(what);
  return {};
}

enum class FaultKind : uint8_t {
  kCompileFailed,
  kLaunchFailed,
  kOutOfBounds,
  kCrashed,
  kOutOfMemory,
};

}  // namespace

std::string Encode(const OpenRequest& message) { return Written(message); }
std::string Encode(const OpenAnswer& message) { return Written(message); }
std::string Encode(const TaskLayout& message) { return Written(message); }
std::string Encode(const ContentsRequest& message) { return Written(message); }
std::string Encode(const CallRequest& message) { return Written(message); }
std::string Encode(const PairsMessage& message) { return Written(message); }
std::string Encode(const LoadedProgram& message) { return Written(message); }
std::string Encode(const Agreement& message) { return Written(message); }
std::string Encode(const Error& message) { return Written(message); }

std::string Encode(const PairRound& message) {
  Putter put;
  Fields(put, message);
  for (const auto* guard : {&message.broken_guard, &message.rival_broken_guard}) {
    put(guard->has_value());
    if (*guard) Fields(put, **guard);
  }
  return put.Take();
}

std::string Encode(const Outcome& message) {
  Putter put;
  if (const auto* failed = std::get_if<CompileFailed>(&message)) {
    put(FaultKind::kCompileFailed), put(failed->log);
  } else if (const auto* refused = std::get_if<LaunchFailed>(&message)) {
    put(FaultKind::kLaunchFailed), put(refused->reason);
  } else if (const auto* stray = std::get_if<OutOfBounds>(&message)) {
    put(FaultKind::kOutOfBounds), Fields(put, *stray);
  } else if (const auto* crashed = std::get_if<Crashed>(&message)) {
    put(FaultKind::kCrashed), put(crashed->workload), put(crashed->signal), put(crashed->detail);
  } else {
    const auto* memory = std::get_if<OutOfMemory>(&message);
    KS_CHECK(memory != nullptr);
    put(FaultKind::kOutOfMemory), put(memory->stage), put(memory->requested_bytes);
  }
  return put.Take();
}

std::string EncodeNumber(double number) {
  Putter put;
  put(number);
  return put.Take();
}

Status Decode(std::string_view bytes, OpenRequest* message) {
  return Taken(bytes, "open", message);
}
Status Decode(std::string_view bytes, OpenAnswer* message) {
  return Taken(bytes, "device description", message);
}
Status Decode(std::string_view bytes, TaskLayout* message) { return Taken(bytes, "task", message); }
Status Decode(std::string_view bytes, ContentsRequest* message) {
  return Taken(bytes, "contents", message);
}
Status Decode(std::string_view bytes, CallRequest* message) {
  return Taken(bytes, "call", message);
}
Status Decode(std::string_view bytes, PairsMessage* message) {
  return Taken(bytes, "pairs", message);
}
Status Decode(std::string_view bytes, LoadedProgram* message) {
  return Taken(bytes, "loaded program", message);
}
Status Decode(std::string_view bytes, Agreement* message) {
  return Taken(bytes, "agreement", message);
}
Status Decode(std::string_view bytes, Error* message) { return Taken(bytes, "error", message); }

Status Decode(std::string_view bytes, PairRound* message) {
  Getter get(bytes);
  Fields(get, *message);
  for (auto* guard : {&message->broken_guard, &message->rival_broken_guard}) {
    bool broken = false;
    get(broken);
    if (broken) Fields(get, guard->emplace());
  }
  if (!get.AtEnd()) return Garbled("pairs");
  return {};
}

Status Decode(std::string_view bytes, Outcome* message) {
  Getter get(bytes);
  FaultKind kind{};
  get(kind);
  switch (kind) {
    case FaultKind::kCompileFailed:
      get(message->emplace<CompileFailed>().log);
      break;
    case FaultKind::kLaunchFailed:
      get(message->emplace<LaunchFailed>().reason);
      break;
    case FaultKind::kOutOfBounds:
      Fields(get, message->emplace<OutOfBounds>());
      break;
    case FaultKind::kCrashed: {
      auto& crashed = message->emplace<Crashed>();
      get(crashed.workload), get(crashed.signal), get(crashed.detail);
      break;
    }
    case FaultKind::kOutOfMemory: {
      auto& memory = message->emplace<OutOfMemory>();
      get(memory.stage), get(memory.requested_bytes);
      break;
    }
    default:
      return Garbled("fault");
  }
  if (!get.AtEnd()) return Garbled("fault");
  return {};
}

Result<double> DecodeNumber(std::string_view bytes) {
  Getter get(bytes);
  double number = 0;
  get(number);
  if (!get.AtEnd()) return Garbled("number");
  return number;
}

}  // namespace ks
