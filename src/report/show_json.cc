// The JSON side of show.h. Shapes: docs/json_output.md.
#include <nlohmann/json.hpp>

#include "report/show.h"
#include "report/summary.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

// Bytes that are not UTF-8 (candidates may print anything) are replaced, never an error. Numbers
// that are not finite become null.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json ToJson(const Interval& interval) {
  return {{"low", interval.low}, {"mid", interval.mid}, {"high", interval.high}};
}

Json ToJson(const std::vector<Diagnostic>& diagnostics) {
  Json out = Json::array();
  for (const Diagnostic& d : diagnostics) {
    out.push_back(
        {{"severity", d.severity}, {"line", d.line}, {"column", d.column}, {"message", d.message}});
  }
  return out;
}

Json ToJson(const DeviceInfo& d) {
  return {{"name", d.name},
          {"api", d.api},
          {"arch", d.arch},
          {"driver", d.driver},
          {"index", d.index},
          {"is_cpu", d.is_cpu},
          {"sm_count", d.sm_count},
          {"warp_size", d.warp_size},
          {"memory_bytes", d.memory_bytes},
          {"l2_bytes", d.l2_bytes},
          {"shared_bytes_per_block", d.shared_bytes_per_block},
          {"max_threads_per_block", d.max_threads_per_block},
          {"clock_mhz", d.clock_mhz},
          {"copy_gbytes_per_s", d.copy_gbytes_per_s},
          {"peak_gflops_f32", d.peak_gflops_f32},
          {"peak_gflops_tf32", d.peak_gflops_tf32},
          {"peak_gflops_f16", d.peak_gflops_f16}};
}

Json ToJson(const Machine& m) {
  Json out = {{"id", m.id},
              {"cpu", m.cpu},
              {"cores", m.cores},
              {"vector_bits", m.vector_bits},
              {"fma", m.has_fma},
              {"l1d_bytes", m.l1d_bytes},
              {"l2_bytes", m.l2_bytes},
              {"l3_bytes", m.l3_bytes},
              {"memory_bytes", m.memory_bytes},
              {"compilers", m.compilers},
              {"kernel", m.kernel},
              {"peak_gflops_f32", m.peak_gflops_f32},
              {"copy_gbytes_per_s", m.copy_gbytes_per_s},
              {"device", nullptr}};
  if (m.device) out["device"] = ToJson(*m.device);
  return out;
}

Json ToJson(const std::vector<WorkloadTiming>& timings) {
  Json out = Json::array();
  for (const WorkloadTiming& t : timings) {
    out.push_back({{"workload", t.workload},
                   {"median_ns", t.median_ns},
                   {"p99_ns", t.p99_ns},
                   {"cv", t.cv},
                   {"pairs", t.pairs},
                   {"gain", ToJson(t.gain)},
                   {"parent_median_ns", t.parent_median_ns},
                   {"gflops", t.gflops},
                   {"gbytes_per_s", t.gbytes_per_s},
                   {"roofline_fraction", t.roofline_fraction}});
  }
  return out;
}

// The fields of each outcome, beside "kind" and "summary".
struct OutcomeFields {
  Json operator()(const Measured& m) const {
    return {{"speedup", ToJson(m.speedup)},
            {"gain", ToJson(m.gain)},
            {"gain_significant", m.gain_significant},
            {"confirmed", m.confirmed},
            {"bottleneck", m.bottleneck},
            {"timings", ToJson(m.timings)}};
  }
  Json operator()(const CompileFailed& f) const {
    return {{"diagnostics", ToJson(f.diagnostics)}, {"log", f.log}};
  }
  Json operator()(const LaunchFailed& f) const { return {{"reason", f.reason}}; }
  Json operator()(const WrongResult& w) const {
    return {{"workload", w.workload},
            {"output", w.output},
            {"index", w.index},
            {"got", w.got},
            {"want", w.want},
            {"allowed", w.allowed},
            {"mismatches", w.mismatches},
            {"elements", w.elements},
            {"max_error", w.max_error},
            {"in_timed_call", w.in_timed_call}};
  }
  Json operator()(const Nondeterministic& n) const {
    return {{"workload", n.workload},
            {"output", n.output},
            {"index", n.index},
            {"first", n.first},
            {"second", n.second}};
  }
  Json operator()(const OutOfBounds& o) const {
    return {{"workload", o.workload}, {"buffer", o.buffer}, {"access", o.access}};
  }
  Json operator()(const Crashed& c) const {
    return {{"workload", c.workload}, {"signal", c.signal}, {"detail", c.detail}};
  }
  Json operator()(const TimedOut& t) const { return {{"stage", t.stage}, {"limit_s", t.limit_s}}; }
  Json operator()(const OutOfMemory& o) const {
    return {{"stage", o.stage}, {"requested_bytes", o.requested_bytes}};
  }
  Json operator()(const Rejected& r) const { return {{"rule", r.rule}, {"evidence", r.evidence}}; }
  Json operator()(const DuplicateOf& d) const { return {{"id", d.id}}; }
};

Json ToJson(const CodeFeatures& f) {
  return {{"vector_bits", f.vector_bits},
          {"loop_depth", f.loop_depth},
          {"loop_count", f.loop_count},
          {"fma", f.uses_fma},
          {"gather", f.uses_gather},
          {"nontemporal", f.uses_nontemporal},
          {"prefetch", f.uses_prefetch},
          {"threads", f.uses_threads},
          {"scratch", f.uses_scratch},
          {"accumulators", f.accumulators},
          {"calls_in_loops", f.calls_in_loops},
          {"code_bytes", f.code_bytes},
          {"static_bytes", f.static_bytes}};
}

Json ToJson(const ModuleFacts& f) {
  Json activities = Json::array();
  for (const ModuleActivity& one : f.activities) {
    activities.push_back(
        {{"name", one.name}, {"count", one.count}, {"ns", one.ns}, {"own", one.own}});
  }
  return {{"workload", f.workload},
          {"note", f.note},
          {"precision", f.precision},
          {"oracle", f.oracle},
          {"calls", f.calls},
          {"untimed", f.untimed},
          {"coverage", f.coverage < 0 ? Json() : Json(f.coverage)},
          {"activities", std::move(activities)},
          {"graphs", f.graphs}};
}

Json ToJson(const DeviceFeatures& f) {
  return {{"launches", f.launches},
          {"registers", f.registers},
          {"spill_bytes", f.spill_bytes},
          {"shared_bytes", f.shared_bytes},
          {"threads_per_block", f.threads_per_block},
          {"occupancy", f.occupancy},
          {"blocks_per_sm", f.blocks_per_sm},
          {"load_bits", f.load_bits},
          {"tensor_cores", f.uses_tensor_cores},
          {"async_copy", f.uses_async_copy},
          {"shared", f.uses_shared},
          {"shuffle", f.uses_shuffle},
          {"atomics", f.uses_atomics},
          {"scratch_bytes", f.scratch_bytes}};
}

Json BestJson(const RunView& view) {
  if (view.best == kNoCandidate) return nullptr;
  const CandidateView& best = view.candidates[static_cast<size_t>(view.best)];
  return {{"id", view.best},
          {"speedup", ToJson(view.SpeedupOf(view.best))},
          {"steps_from_seed", StepsFromSeed(view, view.best)},
          {"skill", best.proposed.skill},
          {"source_hash", best.proposed.source_hash},
          {"confirmed", best.measured()->confirmed},
          {"timings", ToJson(best.measured()->timings)}};
}

// What `show` and `runs` have in common.
Json RunHead(const RunView& view) {
  Json out = {{"task", view.started.task},
              {"backend", view.started.backend},
              {"run_id", view.started.run_id},
              {"seed", view.started.seed},
              {"proposer", view.started.proposer},
              {"version", view.started.version},
              {"started_unix_ms", view.started_unix_ms},
              {"stop_reason", nullptr},
              {"evaluations", view.evaluations},
              {"seconds", view.elapsed_s},
              {"best", BestJson(view)}};
  if (!view.stop_reason.empty()) out["stop_reason"] = view.stop_reason;
  return out;
}

Json CandidateJson(const ShowInput& input, CandidateId id) {
  const CandidateView& candidate = input.view->candidates[static_cast<size_t>(id)];
  Json out = {{"id", id},
              {"parent", nullptr},
              {"skill", candidate.proposed.skill},
              {"speedup", ToJson(input.view->SpeedupOf(id))},
              {"gain", ToJson(candidate.measured()->gain)},
              {"gain_significant", candidate.measured()->gain_significant},
              {"cell", nullptr}};
  if (candidate.proposed.parent != kNoCandidate) out["parent"] = candidate.proposed.parent;
  const std::string cell = CellLabel(input.cells, input.axes, id);
  if (!cell.empty()) out["cell"] = cell;
  return out;
}

Json SkillsJson(const RunView& view) {
  Json out = Json::array();
  for (const SkillSummary& s : SummarizeSkills(view)) {
    Json entry = {{"skill", s.skill}, {"tried", s.tried},     {"measured", s.measured},
                  {"held", s.held},   {"mean_gain", nullptr}, {"best_gain", nullptr}};
    if (s.held > 0) {
      entry["mean_gain"] = s.mean_gain;
      entry["best_gain"] = s.best_gain;
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Json ArchiveJson(const ShowInput& input) {
  Json axes = Json::array();
  for (const DescriptorAxis& axis : input.axes)
    axes.push_back({{"name", axis.name}, {"bins", axis.bins}});
  Json cells = Json::array();
  for (const CellView& cell : input.cells) {
    if (!cell.elite) continue;
    cells.push_back({{"island", cell.island}, {"bins", cell.bins}, {"id", cell.elite->id}});
  }
  return {{"axes", axes}, {"cells", cells}};
}

Json OneShotJson(const RunView& view) {
  const OneShot one = OneShotOf(view);
  const auto id = [](CandidateId which) {
    return which == kNoCandidate ? Json(nullptr) : Json(which);
  };
  return {{"samples", one.samples},
          {"best", id(one.best)},
          {"speedup", ToJson(one.speedup)},
          {"search_best", id(one.search_best)},
          {"search_speedup", ToJson(one.search_speedup)},
          {"evaluations", one.evaluations}};
}

}  // namespace

std::string ShowJson(const ShowInput& input) {
  KS_CHECK(input.view != nullptr);
  const RunView& view = *input.view;
  Json out = {{"format", 1}};
  out.update(RunHead(view));
  out["resumes"] = view.resumes;
  out["outcomes"] = Json::object();
  for (const auto& [name, count] : view.outcomes) out["outcomes"][name] = count;
  out["speedup_over_seed"] = nullptr;
  if (view.best != kNoCandidate) out["speedup_over_seed"] = ToJson(view.SpeedupOverSeed(view.best));
  out["baseline"] = nullptr;
  if (view.baseline != kNoCandidate) {
    const CandidateView& baseline = view.candidates[static_cast<size_t>(view.baseline)];
    out["baseline"] = {{"id", view.baseline},
                       {"compiler", baseline.evaluation->compiler},
                       {"flags", baseline.evaluation->flags},
                       {"speedup_over_seed", ToJson(view.SpeedupOverSeed(view.baseline))}};
  }
  out["top"] = Json::array();
  for (CandidateId id : TopCandidates(view, 10)) out["top"].push_back(CandidateJson(input, id));
  out["skills"] = SkillsJson(view);
  out["one_shot"] = OneShotJson(view);
  out["comparison"] = nullptr;
  if (!input.comparison.empty()) out["comparison"] = input.comparison;
  out["archive"] = ArchiveJson(input);
  out["archive_hash"] = input.archive_hash;
  out["task_hash"] = view.started.task_hash;
  out["config_hash"] = view.started.config_hash;
  out["machine"] = ToJson(view.started.machine);
  return Dump(out);
}

std::string RunsJson(const std::vector<RunListing>& runs) {
  Json list = Json::array();
  for (const RunListing& run : runs) {
    Json entry = {{"dir", run.dir}};
    if (run.problem.empty()) {
      entry.update(RunHead(run.view));
    } else {
      entry["problem"] = run.problem;
    }
    list.push_back(std::move(entry));
  }
  return Dump({{"format", 1}, {"runs", list}});
}

std::string EvaluationJson(const EvaluationInput& input) {
  KS_CHECK(input.evaluation != nullptr);
  const Evaluation& e = *input.evaluation;
  Json outcome = {{"kind", OutcomeName(e.outcome)}, {"summary", OutcomeSummary(e.outcome)}};
  outcome.update(std::visit(OutcomeFields{}, e.outcome));
  Json out = {{"format", 1},
              {"task", input.task},
              {"backend", input.backend},
              {"file", input.file},
              {"timed", input.timed && AsMeasured(e.outcome) != nullptr},
              {"outcome", outcome},
              {"compiler", e.compiler},
              {"flags", e.flags},
              {"binary_hash", e.binary_hash},
              {"features", nullptr},
              {"device", nullptr},
              {"module", nullptr},
              {"warnings", ToJson(e.warnings)},
              {"held_out", ToJson(e.held_out)},
              {"seconds",
               {{"compile", e.seconds.compile},
                {"check", e.seconds.check},
                {"time", e.seconds.time},
                {"queue", e.seconds.queue}}}};
  if (e.profile) {
    Json facts = Json::array();
    for (const ProfileFact& fact : e.profile->facts) {
      facts.push_back({{"name", fact.name}, {"value", fact.value}, {"unit", fact.unit}});
    }
    out["profile"] = {{"source", e.profile->source},
                      {"note", e.profile->note},
                      {"kernel", e.profile->kernel},
                      {"bottleneck", e.profile->bottleneck},
                      {"roofline_fraction", e.profile->roofline_fraction},
                      {"facts", std::move(facts)}};
  }
  if (e.device) {
    out["device"] = ToJson(*e.device);
  } else if (!e.binary_hash.empty()) {
    out["features"] = ToJson(e.features);
  }
  if (e.module) out["module"] = ToJson(*e.module);
  return Dump(out);
}

std::string DevicesJson(const std::vector<DeviceListing>& listings) {
  Json list = Json::array();
  for (const DeviceListing& one : listings) {
    Json devices = Json::array();
    for (const DeviceInfo& device : one.devices) devices.push_back(ToJson(device));
    list.push_back({{"api", one.api},
                    {"backends", one.backends},
                    {"devices", devices},
                    {"problem", one.problem}});
  }
  return Dump({{"format", 1}, {"apis", list}});
}

std::string TasksJson(const std::vector<Task>& tasks) {
  constexpr const char* kRoles[] = {"time", "check", "held_out"};
  Json list = Json::array();
  for (const Task& task : tasks) {
    Json workloads = Json::array();
    for (const Workload& w : task.workloads) {
      workloads.push_back({{"name", w.name},
                           {"role", kRoles[static_cast<size_t>(w.role)]},
                           {"on", w.on},
                           {"axes", w.axes}});
    }
    Json backends = Json::array();
    for (const SeedKernel& seed : task.seeds) backends.push_back(seed.backend);
    list.push_back({{"name", task.name},
                    {"summary", task.summary},
                    {"precision", task.precision},
                    {"backends", backends},
                    {"max_threads", task.max_threads},
                    {"workloads", workloads},
                    {"hash", task.hash},
                    {"origin", task.origin}});
  }
  return Dump({{"format", 1}, {"tasks", list}});
}

}  // namespace ks
