// The field lists of an evaluation and all it is made of, which every form it is stored in walks
// (core/event_json.cc, core/event_binary.cc): a form's writer and reader cannot drift apart.
//
// A visitor has operator()(name, field), Optional(name, optional field), Default(name, field that
// old records lack) and Variant(name, variant). New fields go to the end of a list.
#ifndef KS_CORE_EVALUATION_FIELDS_H_
#define KS_CORE_EVALUATION_FIELDS_H_

#include "core/evaluation.h"

namespace ks {

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
void Fields(V& v, Ref<V, ModuleActivity> x) {
  v("name", x.name);
  v("count", x.count);
  v("ns", x.ns);
  v("own", x.own);
}
template <typename V>
void Fields(V& v, Ref<V, ModuleFacts> x) {
  v("workload", x.workload);
  v("note", x.note);
  v("precision", x.precision);
  v("oracle", x.oracle);
  v("calls", x.calls);
  v("untimed", x.untimed);
  v("coverage", x.coverage);
  v("activities", x.activities);
  v("graphs", x.graphs);
}
template <typename V>
void Fields(V& v, Ref<V, Evaluation> x) {
  v.Variant("outcome", x.outcome);
  v("features", x.features);
  v.Optional("device", x.device);
  v("binary_hash", x.binary_hash);
  v("compiler", x.compiler);
  v("flags", x.flags);
  v("warnings", x.warnings);
  v("seconds", x.seconds);
  v("held_out", x.held_out);
  v.Optional("profile", x.profile);
  v.Optional("module", x.module);
}

}  // namespace ks

#endif  // KS_CORE_EVALUATION_FIELDS_H_
