// Adds and draws a second of the grid archive at 1,000 and 10,000 members.
//
//   archive_bench [--draws 20000]
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "archive/grid_archive.h"
#include "base/rng.h"
#include "base/text.h"

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

ks::MemberPtr MakeMember(ks::CandidateId id, ks::CandidateId parent, int island, ks::Rng& rng) {
  auto member = std::make_shared<ks::Member>();
  member->id = id;
  member->parent = parent;
  member->step = id;
  member->island = island;
  member->skill = parent == ks::kNoCandidate ? "seed" : "random";
  member->source.assign(3000, static_cast<char>('a' + rng.Below(26)));
  ks::CodeFeatures& features = member->evaluation.features;
  features.vector_bits = 64 << rng.Below(4);
  features.loop_depth = static_cast<int>(rng.Below(6));
  features.accumulators = static_cast<int>(rng.Below(12));
  features.uses_scratch = rng.Chance(0.3);
  features.uses_gather = rng.Chance(0.1);
  features.uses_prefetch = rng.Chance(0.1);
  if (rng.Chance(0.2)) {
    member->evaluation.outcome = ks::CompileFailed{};
    return member;
  }
  ks::Measured measured;
  const double mid = 1 + rng.Uniform() * (1 + static_cast<double>(id) / 1000);
  measured.speedup = {mid * 0.99, mid, mid * 1.01};
  member->evaluation.outcome = measured;
  return member;
}

void Measure(int64_t members, int64_t draws) {
  ks::Rng rng(1);
  std::vector<ks::MemberPtr> made;
  made.push_back(nullptr);
  while (made[0] == nullptr || made[0]->measured() == nullptr) {
    made[0] = MakeMember(0, ks::kNoCandidate, 0, rng);
  }
  for (int64_t id = 1; id < members; ++id) {
    const auto parent = static_cast<ks::CandidateId>(rng.Below(static_cast<uint64_t>(id)));
    made.push_back(MakeMember(id, parent, static_cast<int>(id % 3), rng));
  }
  ks::GridArchive archive{ks::SearchConfig{}};
  const auto adding = Clock::now();
  for (const ks::MemberPtr& member : made) archive.Add(member);
  const double add_seconds = SecondsSince(adding);
  const auto drawing = Clock::now();
  int64_t checksum = 0;
  for (int64_t i = 0; i < draws; ++i) {
    checksum += archive.Select(static_cast<uint64_t>(i)).parent->id;
  }
  const double draw_seconds = SecondsSince(drawing);
  const auto hashing = Clock::now();
  const std::string hash = archive.Hash();
  fmt::print("{:>8} {:>8} {:>12.0f} {:>12.0f} {:>10.2f}   {} {}\n", members, archive.Cells().size(),
             static_cast<double>(members) / add_seconds, static_cast<double>(draws) / draw_seconds,
             SecondsSince(hashing) * 1e3, hash.substr(0, 12), checksum);
}

}  // namespace

int main(int argc, char** argv) {
  int64_t draws = 20'000;
  if (argc == 3 && std::string(argv[1]) == "--draws") draws = ks::ParseInt(argv[2]).value_or(draws);
  fmt::print("{:>8} {:>8} {:>12} {:>12} {:>10}\n", "members", "elites", "adds/s", "draws/s",
             "hash ms");
  for (int64_t members : {1'000, 10'000}) Measure(members, draws);
  return 0;
}
