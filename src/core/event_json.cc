// Events and evaluations as JSON, format 1 (docs/store_format.md).
//
// Every type has one field list, `Fields`, which the writer and the reader both walk, so the two
// cannot drift apart.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "core/event.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

// What a visitor's field list gets: `const T&` when writing, `T&` when reading.
template <typename Visitor, typename T>
using Ref = typename Visitor::template Ref<T>;

template <typename V>
void Fields(V& v, Ref<V, Interval> x) {
  v("low", x.low);
  v("mid", x.mid);
  v("high", x.high);
}
template <typename V>
void Fields(V& v, Ref<V, Diagnostic> x) {
  v("severity", x.severity);
  v("line", x.line);
  v("column", x.column);
  v("message", x.message);
}
template <typename V>
void Fields(V& v, Ref<V, WorkloadTiming> x) {
  v("workload", x.workload);
  v("median_ns", x.median_ns);
  v("p99_ns", x.p99_ns);
  v("cv", x.cv);
  v("pairs", x.pairs);
  v("gain", x.gain);
  v("parent_median_ns", x.parent_median_ns);
  v("gflops", x.gflops);
  v("gbytes_per_s", x.gbytes_per_s);
  v("roofline_fraction", x.roofline_fraction);
  v("samples_ns", x.samples_ns);
  v("parent_samples_ns", x.parent_samples_ns);
}
template <typename V>
void Fields(V& v, Ref<V, Measured> x) {
  v("timings", x.timings);
  v("speedup", x.speedup);
  v("gain", x.gain);
  v("gain_significant", x.gain_significant);
  v("confirmed", x.confirmed);
  v("bottleneck", x.bottleneck);
}
template <typename V>
void Fields(V& v, Ref<V, CompileFailed> x) {
  v("diagnostics", x.diagnostics);
  v("log", x.log);
}
template <typename V>
void Fields(V& v, Ref<V, LaunchFailed> x) {
  v("reason", x.reason);
}
template <typename V>
void Fields(V& v, Ref<V, WrongResult> x) {
  v("workload", x.workload);
  v("output", x.output);
  v("index", x.index);
  v("got", x.got);
  v("want", x.want);
  v("allowed", x.allowed);
  v("mismatches", x.mismatches);
  v("elements", x.elements);
  v("max_error", x.max_error);
  v("in_timed_call", x.in_timed_call);
}
template <typename V>
void Fields(V& v, Ref<V, Nondeterministic> x) {
  v("workload", x.workload);
  v("output", x.output);
  v("index", x.index);
  v("first", x.first);
  v("second", x.second);
}
template <typename V>
void Fields(V& v, Ref<V, OutOfBounds> x) {
  v("workload", x.workload);
  v("buffer", x.buffer);
  v("access", x.access);
}
template <typename V>
void Fields(V& v, Ref<V, Crashed> x) {
  v("workload", x.workload);
  v("signal", x.signal);
  v("detail", x.detail);
}
template <typename V>
void Fields(V& v, Ref<V, TimedOut> x) {
  v("stage", x.stage);
  v("limit_s", x.limit_s);
}
template <typename V>
void Fields(V& v, Ref<V, OutOfMemory> x) {
  v("stage", x.stage);
  v("requested_bytes", x.requested_bytes);
}
template <typename V>
void Fields(V& v, Ref<V, Rejected> x) {
  v("rule", x.rule);
  v("evidence", x.evidence);
}
template <typename V>
void Fields(V& v, Ref<V, DuplicateOf> x) {
  v("id", x.id);
}
template <typename V>
void Fields(V& v, Ref<V, CodeFeatures> x) {
  v("vector_bits", x.vector_bits);
  v("loop_depth", x.loop_depth);
  v("loop_count", x.loop_count);
  v("uses_fma", x.uses_fma);
  v("uses_gather", x.uses_gather);
  v("uses_nontemporal", x.uses_nontemporal);
  v("uses_prefetch", x.uses_prefetch);
  v("uses_threads", x.uses_threads);
  v("uses_scratch", x.uses_scratch);
  v("accumulators", x.accumulators);
  v("calls_in_loops", x.calls_in_loops);
  v("code_bytes", x.code_bytes);
  v("static_bytes", x.static_bytes);
}
template <typename V>
void Fields(V& v, Ref<V, DeviceFeatures> x) {
  v("launches", x.launches);
  v("registers", x.registers);
  v("spill_bytes", x.spill_bytes);
  v("shared_bytes", x.shared_bytes);
  v("threads_per_block", x.threads_per_block);
  v("occupancy", x.occupancy);
  v("blocks_per_sm", x.blocks_per_sm);
  v("load_bits", x.load_bits);
  v("uses_tensor_cores", x.uses_tensor_cores);
  v("uses_async_copy", x.uses_async_copy);
  v("uses_shared", x.uses_shared);
  v("uses_shuffle", x.uses_shuffle);
  v("uses_atomics", x.uses_atomics);
  v("scratch_bytes", x.scratch_bytes);
}
template <typename V>
void Fields(V& v, Ref<V, ProfileFact> x) {
  v("name", x.name);
  v("value", x.value);
  v("unit", x.unit);
}
template <typename V>
void Fields(V& v, Ref<V, DeviceProfile> x) {
  v("source", x.source);
  v("note", x.note);
  v("kernel", x.kernel);
  v("bottleneck", x.bottleneck);
  v("roofline_fraction", x.roofline_fraction);
  v("facts", x.facts);
}
template <typename V>
void Fields(V& v, Ref<V, StageSeconds> x) {
  v("compile", x.compile);
  v("check", x.check);
  v("time", x.time);
  v("queue", x.queue);
}
template <typename V>
void Fields(V& v, Ref<V, Evaluation> x) {
  v.Variant("outcome", x.outcome);
  v("features", x.features);
  v.Optional("device", x.device);
  v.Optional("profile", x.profile);
  v("binary_hash", x.binary_hash);
  v("compiler", x.compiler);
  v("flags", x.flags);
  v("warnings", x.warnings);
  v("seconds", x.seconds);
  v("held_out", x.held_out);
}
template <typename V>
void Fields(V& v, Ref<V, DeviceInfo> x) {
  v("name", x.name);
  v("api", x.api);
  v("arch", x.arch);
  v("driver", x.driver);
  v("index", x.index);
  v("is_cpu", x.is_cpu);
  v("sm_count", x.sm_count);
  v("warp_size", x.warp_size);
  v("memory_bytes", x.memory_bytes);
  v("l2_bytes", x.l2_bytes);
  v("shared_bytes_per_block", x.shared_bytes_per_block);
  v("registers_per_sm", x.registers_per_sm);
  v("threads_per_sm", x.threads_per_sm);
  v("shared_bytes_per_sm", x.shared_bytes_per_sm);
  v("max_threads_per_block", x.max_threads_per_block);
  v("clock_mhz", x.clock_mhz);
  v("copy_gbytes_per_s", x.copy_gbytes_per_s);
  v("peak_gflops_f32", x.peak_gflops_f32);
  v("peak_gflops_tf32", x.peak_gflops_tf32);
  v("peak_gflops_f16", x.peak_gflops_f16);
}
template <typename V>
void Fields(V& v, Ref<V, Machine> x) {
  v("cpu", x.cpu);
  v("cores", x.cores);
  v("l1d_bytes", x.l1d_bytes);
  v("l2_bytes", x.l2_bytes);
  v("l3_bytes", x.l3_bytes);
  v("memory_bytes", x.memory_bytes);
  v("vector_bits", x.vector_bits);
  v("has_fma", x.has_fma);
  v("isa", x.isa);
  v("march_options", x.march_options);
  v("compilers", x.compilers);
  v("kernel", x.kernel);
  v("peak_gflops_f32", x.peak_gflops_f32);
  v("copy_gbytes_per_s", x.copy_gbytes_per_s);
  v.Optional("device", x.device);
  v("id", x.id);
}
template <typename V>
void Fields(V& v, Ref<V, RunStarted> x) {
  v("run_id", x.run_id);
  v("task", x.task);
  v("task_hash", x.task_hash);
  v("backend", x.backend);
  v("proposer", x.proposer);
  v("seed", x.seed);
  v("jobs", x.jobs);
  v("config_json", x.config_json);
  v("config_hash", x.config_hash);
  v("version", x.version);
  v("machine", x.machine);
}
template <typename V>
void Fields(V& v, Ref<V, CandidateProposed> x) {
  v("id", x.id);
  v("step", x.step);
  v("parent", x.parent);
  v("inspirations", x.inspirations);
  v("island", x.island);
  v("generation", x.generation);
  v("skill", x.skill);
  v("rationale", x.rationale);
  v("source_hash", x.source_hash);
  v("propose_seconds", x.propose_seconds);
}
template <typename V>
void Fields(V& v, Ref<V, CandidateEvaluated> x) {
  v("id", x.id);
  v("evaluation", x.evaluation);
}
template <typename V>
void Fields(V& v, Ref<V, BaselineChosen> x) {
  v("id", x.id);
}
template <typename V>
void Fields(V& v, Ref<V, RunStopped> x) {
  v("reason", x.reason);
}
template <typename V>
void Fields(V& v, Ref<V, RunResumed> x) {
  v("version", x.version);
}
template <typename V>
void Fields(V& v, Ref<V, Event> x) {
  v("sequence", x.sequence);
  v("unix_ms", x.unix_ms);
  v("elapsed_s", x.elapsed_s);
  v.Variant("body", x.body);
}

constexpr std::array<const char*, std::variant_size_v<decltype(Event::body)>> kEventKinds = {
    "run_started",     "candidate_proposed", "candidate_evaluated",
    "baseline_chosen", "run_stopped",        "run_resumed"};

// Names of a variant's alternatives, in variant order.
std::vector<std::string> KindNames(const Outcome&) { return OutcomeNames(); }
std::vector<std::string> KindNames(const decltype(Event::body)&) {
  return {kEventKinds.begin(), kEventKinds.end()};
}

template <typename T>
concept Scalar = std::integral<T> || std::same_as<T, std::string>;

// Writes fields into one JSON object.
class Writer {
 public:
  template <typename T>
  using Ref = const T&;

  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = ToJson(value);
  }
  // Left out when empty.
  template <typename T>
  void Optional(const char* name, const std::optional<T>& value) {
    if (value) object_[name] = ToJson(*value);
  }
  template <typename V>
  void Variant(const char* name, const V& value) {
    Writer inner;
    inner("kind", KindNames(value)[value.index()]);
    std::visit([&](const auto& alternative) { Fields(inner, alternative); }, value);
    object_[name] = std::move(inner.object_);
  }
  Json Take() { return std::move(object_); }

 private:
  static Json ToJson(double value) {
    if (std::isfinite(value)) return value;
    if (std::isnan(value)) return "nan";
    return value > 0 ? "inf" : "-inf";
  }
  static Json ToJson(const Scalar auto& value) { return value; }
  template <typename T>
  static Json ToJson(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(ToJson(value));
    return array;
  }
  template <typename T>
  static Json ToJson(const T& value) {
    Writer inner;
    Fields(inner, value);
    return inner.Take();
  }

  Json object_ = Json::object();
};

// Reads fields from one JSON object; keeps the first fault and its path. Fields it does not ask for
// are left alone.
class Reader {
 public:
  template <typename T>
  using Ref = T&;

  Reader(const Json& object, std::string path, std::string& fault)
      : object_(object), path_(std::move(path)), fault_(fault) {
    if (!object_.is_object()) Fail(path_, "must be an object");
  }

  template <typename T>
  void operator()(const char* name, T& value) {
    if (const Json* json = Find(name)) FromJson(*json, Path(name), value);
  }
  template <typename T>
  void Optional(const char* name, std::optional<T>& value) {
    value.reset();
    const auto it = fault_.empty() ? object_.find(name) : object_.end();
    if (it != object_.end()) FromJson(*it, Path(name), value.emplace());
  }
  template <typename V>
  void Variant(const char* name, V& value) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    Reader inner(*json, Path(name), fault_);
    std::string kind;
    inner("kind", kind);
    if (fault_.empty()) inner.Alternative<0>(kind, KindNames(value), value);
  }

 private:
  std::string Path(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  }
  void Fail(const std::string& path, std::string_view what) {
    if (fault_.empty()) fault_ = fmt::format("field '{}' {}", path, what);
  }
  // Null after a fault, or when the field is missing (which is one).
  const Json* Find(const char* name) {
    if (!fault_.empty()) return nullptr;
    const auto it = object_.find(name);
    if (it != object_.end()) return &*it;
    Fail(Path(name), "is missing");
    return nullptr;
  }
  template <size_t kIndex, typename V>
  void Alternative(const std::string& kind, const std::vector<std::string>& names, V& value) {
    if constexpr (kIndex == std::variant_size_v<V>) {
      Fail(Path("kind"), fmt::format("has the unknown value '{}'", Shorten(kind, 60)));
    } else if (kind == names[kIndex]) {
      Fields(*this, value.template emplace<kIndex>());
    } else {
      Alternative<kIndex + 1>(kind, names, value);
    }
  }

  void FromJson(const Json& json, const std::string& path, std::string& value) {
    if (!json.is_string()) return Fail(path, "must be a string");
    value = json.get_ref<const std::string&>();
  }
  void FromJson(const Json& json, const std::string& path, bool& value) {
    if (!json.is_boolean()) return Fail(path, "must be true or false");
    value = json.get<bool>();
  }
  void FromJson(const Json& json, const std::string& path, double& value) {
    if (json.is_number()) {
      value = json.get<double>();
    } else if (json == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "inf" || json == "-inf") {
      value = json == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else {
      Fail(path, "must be a number, \"nan\", \"inf\" or \"-inf\"");
    }
  }
  template <std::integral T>
  void FromJson(const Json& json, const std::string& path, T& value) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<int64_t>());
    if (!fits) {
      return Fail(path, fmt::format("must be a whole number from {} to {}",
                                    std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    }
    value = json.get<T>();
  }
  template <typename T>
  void FromJson(const Json& json, const std::string& path, std::vector<T>& values) {
    if (!json.is_array()) return Fail(path, "must be an array");
    values.clear();
    for (size_t i = 0; i < json.size() && fault_.empty(); ++i) {
      FromJson(json[i], fmt::format("{}[{}]", path, i), values.emplace_back());
    }
  }
  template <typename T>
  void FromJson(const Json& json, const std::string& path, T& value) {
    Reader inner(json, path, fault_);
    Fields(inner, value);
  }

  const Json& object_;
  const std::string path_;
  std::string& fault_;
};

// Bytes that are not UTF-8 (compilers quote sources as they are) become U+FFFD.
template <typename T>
std::string Write(const T& value) {
  Writer writer;
  Fields(writer, value);
  return writer.Take().dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
Result<T> Read(const std::string& text, const char* what) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("stored {} is not JSON: {}", what, Shorten(text, 80))};
  }
  T value;
  std::string fault;
  Reader reader(json, "", fault);
  Fields(reader, value);
  if (!fault.empty()) {
    return Error{ErrorCode::kDataLoss, fmt::format("stored {} is not readable: {}", what, fault)};
  }
  return value;
}

}  // namespace

const char* EventKindName(const Event& event) { return kEventKinds[event.body.index()]; }

std::string EventToJson(const Event& event) { return Write(event); }
Result<Event> EventFromJson(const std::string& json) { return Read<Event>(json, "event"); }
std::string EvaluationToJson(const Evaluation& evaluation) { return Write(evaluation); }
Result<Evaluation> EvaluationFromJson(const std::string& json) {
  return Read<Evaluation>(json, "evaluation");
}
std::string MachineToJson(const Machine& machine) { return Write(machine); }
Result<Machine> MachineFromJson(const std::string& json) { return Read<Machine>(json, "machine"); }

}  // namespace ks
