// The field lists of events and machines: see core/evaluation_fields.h.
#ifndef KS_CORE_EVENT_FIELDS_H_
#define KS_CORE_EVENT_FIELDS_H_

#include "core/evaluation_fields.h"
#include "core/event.h"

namespace ks {

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
  v.Default("prior_skills", x.prior_skills);
}
template <typename V>
void Fields(V& v, Ref<V, ModelUse> x) {
  v("model", x.model);
  v("cost_usd", x.cost_usd);
  v("prompt_tokens", x.prompt_tokens);
  v("answer_tokens", x.answer_tokens);
  v("exchange", x.exchange);
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
  v.Optional("use", x.use);
  v.Default("refused", x.refused);
  v.Default("normalized_hash", x.normalized_hash);
  v.Default("novelty_record", x.novelty_record);
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

}  // namespace ks

#endif  // KS_CORE_EVENT_FIELDS_H_
