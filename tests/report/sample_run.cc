#include "tests/report/sample_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "base/rng.h"

namespace ks::testing {
namespace {

constexpr std::string_view kSeed = R"(// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0.0f;
      for (int64_t p = 0; p < k; ++p) {
        sum += a[i * k + p] * b[p * n + j];
      }
      c[i * n + j] = sum;
    }
  }
}
)";

struct SkillShape {
  const char* name;
  double gain;    // when it works
  double works;   // probability
  double breaks;  // probability
  const char* why;
};
constexpr std::array<SkillShape, 10> kSkills = {{
    {"interchange_loops", 3.4, 0.5, 0.05,
     "The innermost loop walks b down a column; swapping p and j makes every access contiguous."},
    {"tile_loops", 1.45, 0.35, 0.1,
     "The reused block of b exceeds the second-level cache; tiles of 64 by 256 keep it there."},
    {"register_block", 1.7, 0.45, 0.2,
     "Eight rows share each loaded vector of b, so that the loop is bound by FMA, not by loads."},
    {"vector_extensions", 1.6, 0.4, 0.25,
     "The compiler keeps the inner loop scalar; eight lanes are written out by hand."},
    {"pack_operand", 1.3, 0.35, 0.2,
     "A packed panel of b is read with unit stride and no TLB misses."},
    {"multiple_accumulators", 1.25, 0.3, 0.1,
     "One accumulator waits four cycles for itself; four of them hide the latency."},
    {"restrict_pointers", 1.08, 0.2, 0.02,
     "Without restrict the store to c forces a reload of a in each iteration."},
    {"prefetch", 1.04, 0.1, 0.05, "The next panel is fetched while the current one is multiplied."},
    {"compiler_flags", 1.06, 0.2, 0.05,
     "-funroll-loops lets the scheduler overlap two iterations."},
    {"tune_parameter", 1.05, 0.3, 0.02, "kTileK from 128 to 256: the packed panel still fits."},
}};

// Sources grow as the lineage does: each skill leaves its mark.
std::string Edited(const std::string& parent, const SkillShape& skill, int64_t id) {
  std::string out = parent;
  const std::string name = skill.name;
  if (name == "interchange_loops" && out.find("float sum = 0.0f;") != std::string::npos) {
    const size_t begin = out.find("    for (int64_t j");
    const size_t end = out.rfind("  }\n}");
    out.replace(begin, end - begin,
                "    for (int64_t j = 0; j < n; ++j) c[i * n + j] = 0.0f;\n"
                "    for (int64_t p = 0; p < k; ++p) {\n"
                "      const float x = a[i * k + p];\n"
                "      for (int64_t j = 0; j < n; ++j) {\n"
                "        c[i * n + j] += x * b[p * n + j];\n"
                "      }\n"
                "    }\n");
    return out;
  }
  if (name == "restrict_pointers") {
    const size_t at = out.find("float* c");
    if (at != std::string::npos) return out.replace(at, 8, "float* __restrict c");
  }
  if (name == "compiler_flags") return out.insert(out.find("-O") + 3, " -funroll-loops");
  const size_t at = out.find("extern \"C\"");
  return out.insert(at,
                    fmt::format("constexpr int64_t k{}{} = {};  // {}\n",
                                static_cast<char>(name[0] - 'a' + 'A'), id, 32 << (id % 5), name));
}

constexpr std::array<const char*, 3> kWorkloads = {"m=512,n=512,k=512", "m=1024,n=64,k=1024",
                                                   "m=37,n=1000,k=129"};
constexpr std::array<double, 3> kSeedNs = {412e6, 240e6, 6.9e6};
constexpr std::array<double, 3> kFlops = {268.4e6, 134.2e6, 7.1e6};

class Maker {
 public:
  Maker(int count, bool hostile) : count_(count), hostile_(hostile) {}

  SampleRun Make() {
    run_.axes = {{"vector width", {"scalar", "128 bit", "256 bit", "512 bit"}},
                 {"loop depth", {"1", "2", "3", "4", "5 or more"}},
                 {"scratch", {"none", "uses scratch"}},
                 {"accumulators", {"0 or 1", "2 to 4", "5 to 8", "9 or more"}}};
    Start();
    constexpr std::array<std::array<const char*, 2>, 4> kFlags = {
        {{"g++", "-O3 -march=x86-64-v3"},
         {"g++", "-O3 -march=x86-64-v3 -ffast-math"},
         {"clang++", "-O3 -march=x86-64-v3 -ffast-math"},
         {"g++", "-O2 -march=x86-64-v3 -ffast-math -funroll-loops"}}};
    constexpr std::array<double, 4> kFlagSpeed = {1.06, 1.31, 1.12, 1.24};
    Propose(kNoCandidate, 0, "seed", "the seed as written", std::string(kSeed));
    Judge(0, Timed(1, kNoCandidate), "g++ 12.2.0", "-O2");
    for (size_t f = 0; f < kFlags.size() && next_ < count_; ++f) {
      std::string source(kSeed);
      source.replace(source.find("-O2"), 3, kFlags[f][1]);
      Propose(0, 0, "baseline_flags", "the seed with other compiler flags", source);
      Judge(next_ - 1, Timed(kFlagSpeed[f], 0), std::string(kFlags[f][0]) + " 12.2.0",
            kFlags[f][1]);
    }
    if (next_ > 2) {
      Emit(BaselineChosen{2});
      baseline_speed_ = kFlagSpeed[1];
      islands_.fill({2});
    }
    while (next_ < count_) Step();
    Emit(RunStopped{"steps"});
    run_.view = *FoldEvents(run_.events);
    FillCells();
    return std::move(run_);
  }

 private:
  void Start() {
    RunStarted s;
    s.run_id = "matmul-20261120-231502";
    s.task = hostile_ ? "matmul</title><script>alert('task')</script>" : "matmul";
    s.task_hash = Sha256Hex("task");
    s.backend = "cpu";
    s.proposer = "builtin";
    s.seed = 7;
    s.jobs = 2;
    s.config_json =
        R"({"search":{"islands":3,"migration_interval":25,"elite_probability":0.7},)"
        R"("evaluation":{"check_trials":5,"confidence":0.995,"gain_margin":0.01,"min_pairs":6,"max_pairs":120,"time_budget_s":1.0},)"
        R"("seed":7,"jobs":2,"max_steps":150})";
    s.config_hash = Sha256Hex(s.config_json);
    s.version = "0.1.0";
    s.machine.cpu = "AMD EPYC 7R13 Processor";
    s.machine.cores = 2;
    s.machine.l1d_bytes = 32 << 10;
    s.machine.l2_bytes = 512 << 10;
    s.machine.l3_bytes = 32 << 20;
    s.machine.memory_bytes = int64_t{8} << 30;
    s.machine.vector_bits = 256;
    s.machine.has_fma = true;
    s.machine.isa = {"avx2", "fma", "bmi2", "f16c"};
    s.machine.compilers = {"g++ 12.2.0", "clang++ 14.0.6"};
    s.machine.kernel = "Linux 6.1";
    s.machine.peak_gflops_f32 = 118;
    s.machine.copy_gbytes_per_s = 21;
    s.machine.id = "a1b2c3d4";
    Emit(s);
  }

  template <typename Body>
  void Emit(Body body) {
    Event event;
    event.sequence = static_cast<int64_t>(run_.events.size()) + 1;
    event.unix_ms = 1'795'216'502'000 + static_cast<int64_t>(elapsed_s_ * 1000);
    event.elapsed_s = elapsed_s_;
    event.body = std::move(body);
    run_.events.push_back(std::move(event));
  }

  void Propose(CandidateId parent, int island, std::string skill, std::string why,
               std::string source) {
    CandidateProposed p;
    p.id = next_++;
    p.step = p.id;
    p.parent = parent;
    p.island = island;
    p.generation = parent == kNoCandidate ? 0 : generations_[static_cast<size_t>(parent)] + 1;
    if (hostile_ && !IsProbeName(skill)) {
      skill += "<img src=x onerror=alert(1)>";
      why = "\"'><script>alert('why')</script>\x1b[2J\xff " + why;
      source += "// </script><script>alert('source')</script> \x80 & <b>\n";
    }
    p.skill = std::move(skill);
    p.rationale = std::move(why);
    p.source_hash = Sha256Hex(source);
    run_.sources[p.source_hash] = source;
    generations_.push_back(p.generation);
    speeds_.push_back(0);
    texts_.push_back(std::move(source));
    islands_of_.push_back(island);
    Emit(std::move(p));
    elapsed_s_ += 0.05;
  }

  static bool IsProbeName(const std::string& name) {
    return name == "seed" || name == "baseline_flags";
  }

  void Judge(CandidateId id, Outcome outcome, std::string compiler, std::string flags) {
    elapsed_s_ += 0.6 + 0.5 * rng_.Uniform();
    Evaluation e;
    if (const Measured* m = AsMeasured(outcome)) {
      e.features = FeaturesAt(speeds_[static_cast<size_t>(id)]);
      (void)m;
    }
    e.outcome = std::move(outcome);
    e.binary_hash = Sha256Hex(std::to_string(id));
    e.compiler = std::move(compiler);
    e.flags = std::move(flags);
    e.seconds = {0.21, 0.12, 0.7, 0.01};
    Emit(CandidateEvaluated{id, std::move(e)});
  }

  static CodeFeatures FeaturesAt(double speed) {
    CodeFeatures f;
    f.vector_bits = speed > 20 ? 256 : speed > 4 ? 128 : 0;
    f.loop_depth = speed > 40 ? 5 : speed > 10 ? 4 : 3;
    f.loop_count = f.loop_depth + 1;
    f.uses_fma = speed > 20;
    f.accumulators = speed > 60 ? 12 : speed > 20 ? 4 : 1;
    f.code_bytes = 400 + static_cast<int64_t>(speed * 10);
    return f;
  }

  Interval Around(double mid, double width) {
    mid *= std::exp(0.003 * rng_.Normal());
    return {mid * (1 - width), mid, mid * (1 + width)};
  }

  std::vector<double> Samples(double ns, int count) {
    std::vector<double> out;
    for (int i = 0; i < count; ++i) {
      double noise = std::exp(0.006 * rng_.Normal());
      if (rng_.Chance(0.04)) noise *= 1 + 0.08 * rng_.Uniform();
      out.push_back(ns * noise);
    }
    return out;
  }

  // A candidate `speed` times as fast as the seed.
  Outcome Timed(double speed, CandidateId parent) {
    const auto id = static_cast<size_t>(next_ - 1);
    speeds_[id] = speed;
    const double parent_speed =
        parent == kNoCandidate ? speed : speeds_[static_cast<size_t>(parent)];
    Measured m;
    m.gain = Around(speed / parent_speed, 0.006);
    m.gain_significant = m.gain.low > 1.01;
    m.speedup = Around(speed / baseline_speed_, 0.008);
    m.confirmed = m.gain_significant;
    m.bottleneck = speed > 50 ? "compute" : "memory";
    for (size_t w = 0; w < kWorkloads.size(); ++w) {
      WorkloadTiming t;
      t.workload = kWorkloads[w];
      const double factor = 1 - 0.12 * static_cast<double>(w) * std::min(1.0, std::log(speed) / 5);
      const int pairs = 24 + static_cast<int>(rng_.Below(40));
      t.samples_ns = Samples(kSeedNs[w] / (speed * factor), pairs);
      t.parent_samples_ns = Samples(kSeedNs[w] / (parent_speed * factor), pairs);
      t.median_ns = kSeedNs[w] / (speed * factor);
      t.parent_median_ns = kSeedNs[w] / (parent_speed * factor);
      t.p99_ns = t.median_ns * 1.06;
      t.cv = 0.007;
      t.pairs = pairs;
      t.gain = Around(speed / parent_speed, 0.009);
      t.gflops = kFlops[w] / t.median_ns;
      t.roofline_fraction = t.gflops / 118;
      m.timings.push_back(std::move(t));
    }
    return m;
  }

  Outcome Failure() {
    const std::string evil = hostile_ ? "</pre><script>alert('log')</script>\x1b[31m" : "";
    switch (rng_.Below(8)) {
      case 0:
      case 1:
      case 2:
        return CompileFailed{{{"error", 9, 7, "'acc' was not declared in this scope" + evil},
                              {"note", 5, 17, "in this function"}},
                             "kernel.cc:9:7: error: 'acc' was not declared in this scope" + evil};
      case 3:
      case 4:
        return WrongResult{"m=7,n=5,k=3", "c" + evil, 17, 3.25, 3.75, 1e-5, 11, 35, 0.5, false};
      case 5:
        return Crashed{"m=1,n=1,k=1", 11, "address 0x7f00" + evil};
      case 6:
        return OutOfBounds{"m=37,n=1000,k=129", "c", "write past end"};
      default:
        return TimedOut{"check", 10};
    }
  }

  void Step() {
    auto& island = islands_[rng_.Below(3)];
    const auto reach = std::min<uint64_t>(island.size(), 4);
    const CandidateId parent =
        island[island.size() - 1 - (rng_.Chance(0.6) ? 0 : rng_.Below(reach))];
    const int island_index = static_cast<int>(&island - islands_.data());
    const SkillShape& skill = kSkills[rng_.Below(kSkills.size())];
    const double parent_speed = speeds_[static_cast<size_t>(parent)];
    Propose(parent, island_index, skill.name, skill.why,
            Edited(texts_[static_cast<size_t>(parent)], skill, next_));
    const CandidateId id = next_ - 1;
    if (rng_.Chance(skill.breaks + 0.08)) return Judge(id, Failure(), "g++ 12.2.0", "-O3");
    if (rng_.Chance(0.06)) return Judge(id, DuplicateOf{parent}, "g++ 12.2.0", "-O3");
    const double room = std::max(0.02, 1 - parent_speed / 150);
    double gain = 1 - 0.15 * rng_.Uniform() * rng_.Uniform();
    if (rng_.Chance(skill.works)) gain = 1 + (skill.gain - 1) * room * (0.7 + 0.5 * rng_.Uniform());
    Outcome outcome = Timed(parent_speed * gain, parent);
    if (AsMeasured(outcome)->gain_significant) island.push_back(id);
    Judge(id, std::move(outcome), "g++ 12.2.0", "-O3 -march=x86-64-v3 -ffast-math");
    if (next_ % 25 == 0)
      islands_[(static_cast<size_t>(island_index) + 1) % 3].push_back(island.back());
  }

  void FillCells() {
    std::map<std::pair<int, std::vector<int>>, CandidateId> elites;
    for (const CandidateView& c : run_.view.candidates) {
      if (c.measured() == nullptr) continue;
      const CandidateId id = c.proposed.id;
      const CodeFeatures& f = c.evaluation->features;
      std::vector<int> bins = {f.vector_bits == 0     ? 0
                               : f.vector_bits == 128 ? 1
                                                      : 2,
                               std::min(4, f.loop_depth - 1), static_cast<int>(id % 7 == 0),
                               f.accumulators > 8   ? 3
                               : f.accumulators > 4 ? 2
                               : f.accumulators > 1 ? 1
                                                    : 0};
      if (id % 5 == 1) bins[1] = std::max(0, bins[1] - 1);
      if (id % 11 == 3) bins[3] = 2;
      auto [it, fresh] = elites.try_emplace({c.proposed.island, bins}, id);
      if (!fresh && run_.view.SpeedupOf(id).low > run_.view.SpeedupOf(it->second).low)
        it->second = id;
    }
    for (const auto& [key, id] : elites) {
      Member member;
      const CandidateView& c = run_.view.candidates[static_cast<size_t>(id)];
      member.id = id;
      member.parent = c.proposed.parent;
      member.skill = c.proposed.skill;
      member.evaluation = *c.evaluation;
      run_.cells.push_back({key.first, key.second, std::make_shared<Member>(std::move(member))});
    }
  }

  int count_;
  bool hostile_;
  SampleRun run_;
  Rng rng_{20261120};
  double elapsed_s_ = 0;
  double baseline_speed_ = 1;
  CandidateId next_ = 0;
  std::vector<int> generations_;
  std::vector<double> speeds_;  // over the seed
  std::vector<std::string> texts_;
  std::vector<int> islands_of_;
  std::array<std::vector<CandidateId>, 3> islands_ = {{{0}, {0}, {0}}};
};

}  // namespace

Result<std::string> SampleRun::Source(const std::string& hash) const {
  const auto it = sources.find(hash);
  if (it == sources.end()) return Error{ErrorCode::kNotFound, "no source " + hash};
  return it->second;
}

SampleRun MakeSampleRun(int candidates, bool hostile) { return Maker(candidates, hostile).Make(); }

}  // namespace ks::testing
