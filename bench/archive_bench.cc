// Cost of the archive by kind, parent policy and number of programs: adds, draws of a parent with
// two inspirations (median and p99.9), memory beside the programs themselves.
//
//   archive_bench [--draws 20000] [--most 1000000] [--json FILE]
//
// Programs as in the method of docs/search.md: island i mod 3, parent drawn evenly from those
// there, every fifth one fails, speed-ups that rise slowly with i.
#include <fmt/format.h>
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "archive/island_archive.h"
#include "archive/novelty.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// Of this thread: what other processes take is left out.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Spread {
  double median_us = 0, p999_us = 0, most_us = 0;
};

Spread SpreadOf(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) {
    return 1e6 * seconds[static_cast<size_t>(share * static_cast<double>(seconds.size() - 1))];
  };
  return {at(0.5), at(0.999), at(1)};
}

ks::MemberPtr MakeMember(ks::CandidateId id, ks::CandidateId parent, ks::Rng& rng) {
  auto member = std::make_shared<ks::Member>();
  member->id = id;
  member->parent = parent;
  member->step = id;
  member->island = static_cast<int>(id % 3);
  member->skill = parent == ks::kNoCandidate ? "seed" : "random";
  ks::CodeFeatures& features = member->evaluation.features;
  features.vector_bits = static_cast<int>(64U << rng.Below(4));
  features.loop_depth = static_cast<int>(rng.Below(6));
  features.loop_count = static_cast<int>(1 + rng.Below(20));
  features.accumulators = static_cast<int>(rng.Below(12));
  features.uses_scratch = rng.Chance(0.3);
  features.uses_gather = rng.Chance(0.1);
  features.uses_prefetch = rng.Chance(0.1);
  features.code_bytes = static_cast<int64_t>(300 + rng.Below(20'000));
  if (id > 0 && rng.Chance(0.2)) {
    member->evaluation.outcome = ks::CompileFailed{};
    return member;
  }
  ks::Measured measured;
  const double mid = (1 + rng.Uniform()) * (1 + static_cast<double>(id) / 50'000);
  measured.speedup = {mid * 0.99, mid, mid * 1.01};
  member->evaluation.outcome = measured;
  return member;
}

std::vector<ks::MemberPtr> MakeMembers(int64_t count) {
  ks::Rng rng(1);
  std::vector<ks::MemberPtr> members = {MakeMember(0, ks::kNoCandidate, rng)};
  for (int64_t id = 1; id < count; ++id) {
    const auto parent = static_cast<ks::CandidateId>(rng.Below(static_cast<uint64_t>(id)));
    members.push_back(MakeMember(id, parent, rng));
  }
  return members;
}

struct Case {
  std::string kind;
  std::string policy;
  bool keeps_all = false;  // flat: room for every member
};

Json Measure(const Case& c, const std::vector<ks::MemberPtr>& members, int64_t draws) {
  ks::SearchConfig search;
  search.policy = c.policy;
  search.inspirations = 2;
  ks::ArchiveConfig config;
  config.kind = c.kind;
  if (c.keeps_all) {  // and no break-up, which would empty islands
    config.population = static_cast<int>(members.size());
    search.takeover_limit = 0;
  }
  const ks::DescriptorSpace space = ks::DescriptorSpaceOf("cpu");
  const auto making = Clock::now();
  const std::unique_ptr<ks::IslandArchive> archive = ks::NewArchive(search, config, space);
  const double make_s = Seconds(Clock::now() - making);
  std::vector<double> adds;
  adds.reserve(members.size());
  const double bytes_reserved = HeapBytes();
  const double adding = CpuSeconds();
  for (const ks::MemberPtr& member : members) {
    const auto start = Clock::now();
    archive->Add(member);
    adds.push_back(Seconds(Clock::now() - start));
  }
  const double add_s = CpuSeconds() - adding;
  const double bytes = HeapBytes() - bytes_reserved;
  std::vector<double> selects, cpu_selects;
  int64_t checksum = 0;
  for (int64_t i = 0; i < draws; ++i) {
    const auto start = Clock::now();
    const ks::Selection selection = archive->Select(static_cast<uint64_t>(i));
    selects.push_back(Seconds(Clock::now() - start));
    checksum += selection.parent->id;
  }
  for (int64_t i = 0; i < draws; ++i) {
    const double start = CpuSeconds();
    checksum += archive->Select(static_cast<uint64_t>(draws + i)).parent->id;
    cpu_selects.push_back(CpuSeconds() - start);
  }
  const Spread add = SpreadOf(std::move(adds)), select = SpreadOf(std::move(selects));
  const Spread cpu_select = SpreadOf(std::move(cpu_selects));
  const auto count = static_cast<double>(members.size());
  const size_t kept = archive->Cells().size();
  const std::string name = c.kind + (c.keeps_all ? " (all)" : "");
  fmt::print(
      "{:<12} {:<10} {:>8} {:>8} {:>10.0f} {:>8.2f} {:>9.1f} {:>9.2f} {:>9.1f} {:>9.1f} {:>7.0f}\n",
      name, c.policy, members.size(), kept, count / add_s, add.median_us, add.p999_us,
      select.median_us, select.p999_us, cpu_select.p999_us, bytes / count);
  return {{"kind", name},
          {"policy", c.policy},
          {"programs", members.size()},
          {"kept", kept},
          {"make_s", make_s},
          {"adds_per_cpu_s", count / add_s},
          {"add_median_us", add.median_us},
          {"add_p999_us", add.p999_us},
          {"select_median_us", select.median_us},
          {"select_p999_us", select.p999_us},
          {"select_cpu_p999_us", cpu_select.p999_us},
          {"select_cpu_most_us", cpu_select.most_us},
          {"bytes_per_program", bytes / count},
          {"checksum", checksum}};
}

// 3 kB programs of distinct C-like text, as the peers were measured on.
std::string ProgramText(int64_t index, ks::Rng& rng) {
  std::string text = fmt::format("// program {}\n", index);
  const size_t length = 2400 + rng.Below(1200);
  while (text.size() < length) {
    text += fmt::format("v{}[{}] = v{}[{}] {} v{};\n", rng.Below(16), rng.Below(1000),
                        rng.Below(16), rng.Below(1000), "+-*/"[rng.Below(4)], rng.Below(16));
  }
  return text;
}

Json MeasureNovelty(const std::vector<ks::MemberPtr>& members) {
  ks::Rng rng(1);
  const double bytes_before = HeapBytes();
  ks::NoveltyIndex index(0.9);
  std::vector<double> notes, queries;
  for (const ks::MemberPtr& member : members) {
    const std::string text = ProgramText(member->id, rng);
    const auto start = Clock::now();
    index.Note(*member, text);
    notes.push_back(Seconds(Clock::now() - start));
  }
  const double bytes =
      HeapBytes() - bytes_before - static_cast<double>(notes.capacity() * sizeof(double));
  int64_t found = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = ProgramText(i, rng);
    const auto start = Clock::now();
    found += index.NearCopyOf(text, *members[0]).has_value();
    queries.push_back(Seconds(Clock::now() - start));
  }
  const Spread note = SpreadOf(std::move(notes)), query = SpreadOf(std::move(queries));
  const double each = bytes / static_cast<double>(members.size());
  fmt::print(
      "novelty {:>9}: note {:.1f} us (p99.9 {:.1f}), query {:.1f} us (p99.9 {:.1f}), "
      "{:.0f} bytes a program, {} found\n",
      members.size(), note.median_us, note.p999_us, query.median_us, query.p999_us, each, found);
  return {{"programs", members.size()},     {"note_median_us", note.median_us},
          {"note_p999_us", note.p999_us},   {"query_median_us", query.median_us},
          {"query_p999_us", query.p999_us}, {"bytes_per_program", each}};
}

}  // namespace

int main(int argc, char** argv) {
  int64_t draws = 20'000, most = 1'000'000;
  std::string file;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--draws") draws = ks::ParseInt(argv[i + 1]).value_or(draws);
    if (option == "--most") most = ks::ParseInt(argv[i + 1]).value_or(most);
    if (option == "--json") file = argv[i + 1];
  }
  fmt::print("{:<12} {:<10} {:>8} {:>8} {:>10} {:>8} {:>9} {:>9} {:>9} {:>9} {:>7}\n", "kind",
             "policy", "programs", "kept", "adds/cpu s", "add us", "p99.9", "draw us", "p99.9",
             "cpu p99.9", "bytes");
  Json rows = Json::array(), novelty = Json::array();
  for (int64_t count = 1000; count <= most; count *= 10) {
    const std::vector<ks::MemberPtr> members = MakeMembers(count);
    for (const Case& base :
         {Case{"grid", ""}, Case{"cvt", ""}, Case{"flat", ""}, Case{"flat", "", true}}) {
      for (const char* policy : {"mix", "power_law", "uct", "puct", "crowding", "random"}) {
        rows.push_back(Measure({base.kind, policy, base.keeps_all}, members, draws));
      }
    }
    novelty.push_back(MeasureNovelty(members));
  }
  if (file.empty()) return 0;
  const Json document = {{"archive", rows}, {"novelty", novelty}};
  return ks::PosixFileSystem().WriteAtomically(file, document.dump(1) + "\n").ok() ? 0 : 1;
}
