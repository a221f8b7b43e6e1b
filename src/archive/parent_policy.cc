#include "archive/parent_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"

namespace ks {
namespace {

constexpr double kPromising = 3.0;
constexpr double kAnyElite = 0.1;  // share of draws among all elites all the same
// Where an island has more than kMostCandidates, tree policies look at the best and at some others.
constexpr size_t kTopCandidates = 64;
constexpr size_t kOtherCandidates = 16;

// An edit seldom makes good what an elite lacks by more than kPromising: such elites (flags that do
// not suit, failed strategies) get few children. Returns the lowest speed-up that takes part.
double LeastPromising(const Island& island, Rng& rng) {
  if (rng.Chance(kAnyElite)) return -std::numeric_limits<double>::infinity();
  return island.ranked().front().low / kPromising;
}

// Each rank half as likely as the one before it.
MemberPtr ByHalves(const Island& island, size_t promising, Rng& rng) {
  size_t rank = 0;
  while (rank < promising && rng.Chance(0.5)) ++rank;
  return island.ranked().At(rank < promising ? rank : 0).member;
}

// A member of the promising cell whose members were chosen least.
MemberPtr FromSparseCell(const Island& island, double least_low, Rng& rng) {
  int64_t fewest = std::numeric_limits<int64_t>::max();
  uint64_t ties = 0;
  const auto visit = [&](auto&& on_cell) {
    for (const uint32_t cell : island.occupied()) {
      if (island.members(cell).front().low >= least_low) on_cell(cell, island.visits(cell));
    }
  };
  visit([&](uint32_t, int64_t visits) {
    if (visits < fewest) ties = 0;
    fewest = std::min(fewest, visits);
    if (visits == fewest) ++ties;
  });
  uint64_t left = rng.Below(ties);
  size_t chosen = 0;
  visit([&](uint32_t cell, int64_t visits) {
    if (visits == fewest && left-- == 0) chosen = cell;
  });
  const RankedList& members = island.members(chosen);
  return members.At(members.size() == 1 ? 0 : rng.Below(members.size())).member;
}

MemberPtr DrawMix(const SearchConfig& config, const Island& island, Rng& rng) {
  const double least_low = LeastPromising(island, rng);
  const size_t promising = island.ranked().CountFrom(least_low);
  const double draw = rng.Uniform();
  if (draw < config.elite_probability) return ByHalves(island, promising, rng);
  if (draw < config.elite_probability + config.uniform_probability) {
    return island.ranked().At(rng.Below(promising)).member;
  }
  return FromSparseCell(island, least_low, rng);
}

// A member that a tree policy may expand.
struct Node {
  const Elite* elite = nullptr;
  size_t rank = 0;
  double value = 0;
  double visits = 0;
};

std::vector<Node> Nodes(const Island& island, const Lineage& lineage, Rng& rng) {
  const RankedList& ranked = island.ranked();
  std::vector<Node> nodes;
  const auto add = [&](const Elite& elite, size_t rank) {
    const Lineage::Record& record = lineage.At(elite.id);
    nodes.push_back({&elite, rank, record.value, static_cast<double>(record.visits)});
  };
  if (ranked.size() <= ParentPolicy::kMostCandidates) {
    nodes.reserve(ranked.size());
    ranked.ForEach([&](const Elite& elite) { add(elite, nodes.size()); });
    return nodes;
  }
  nodes.reserve(kTopCandidates + kOtherCandidates);
  for (size_t rank = 0; rank < kTopCandidates; ++rank) add(ranked.At(rank), rank);
  for (size_t i = 0; i < kOtherCandidates; ++i) {
    const size_t rank = kTopCandidates + rng.Below(ranked.size() - kTopCandidates);
    add(ranked.At(rank), rank);
  }
  return nodes;
}

// The node of the highest score. Each sits out half of the draws: proposals in flight have not
// changed any score yet, and must not all get the same parent.
template <typename Score>
MemberPtr Argmax(const std::vector<Node>& nodes, Rng& rng, Score score) {
  const Node* best = nullptr;
  double highest = 0;
  uint64_t bits = 0;
  for (size_t i = 0; i < nodes.size(); ++i, bits >>= 1) {
    if (i % 64 == 0) bits = rng.Next();
    if ((bits & 1) == 0) continue;
    const double s = score(nodes[i]);
    if (best != nullptr && s <= highest) continue;
    highest = s;
    best = &nodes[i];
  }
  return (best != nullptr ? *best : nodes[rng.Below(nodes.size())]).elite->member;
}

// UCB1 (Auer et al. 2002) on the best descendant, over all nodes (as TTT-Discover does, not down a
// tree).
MemberPtr DrawUct(double exploration, const Island& island, const Lineage& lineage, Rng& rng) {
  const double log_total = std::log1p(static_cast<double>(lineage.expansions()));
  return Argmax(Nodes(island, lineage, rng), rng, [&](const Node& node) {
    return node.value + exploration * std::sqrt(log_total / (1 + node.visits));
  });
}

// Q + c scale P sqrt(1 + T) / (1 + n) with a prior that falls linearly with the rank
// (TTT-Discover, 2026).
MemberPtr DrawPuct(double exploration, const Island& island, const Lineage& lineage, Rng& rng) {
  const std::vector<Node> nodes = Nodes(island, lineage, rng);
  const auto [low, high] = std::minmax_element(
      nodes.begin(), nodes.end(), [](const Node& a, const Node& b) { return a.value < b.value; });
  const double scale = std::max(high->value - low->value, 1e-3);
  const auto count = static_cast<double>(island.ranked().size());
  const double weight = exploration * scale * 2 / (count * (count + 1)) *
                        std::sqrt(1 + static_cast<double>(lineage.expansions()));
  return Argmax(nodes, rng, [&](const Node& node) {
    return node.value + weight * (count - static_cast<double>(node.rank)) / (1 + node.visits);
  });
}

}  // namespace

size_t DrawPowerLaw(size_t count, double alpha, Rng& rng) {
  // Integral of x^-alpha from 1 to x, and its inverse.
  const auto integral = [alpha](double x) {
    const double log_x = std::log(x);
    const double power = (1 - alpha) * log_x;
    return std::abs(power) < 1e-12 ? log_x : std::expm1(power) / (1 - alpha);
  };
  const auto inverse = [alpha](double area) {
    const double power = (1 - alpha) * area;
    return std::abs(power) < 1e-12 ? std::exp(area) : std::exp(std::log1p(power) / (1 - alpha));
  };
  const auto excess = [&](double k) {
    return std::pow(k, -alpha) / (integral(k + 1) - integral(k));
  };
  const auto last = static_cast<double>(count);
  const double area = integral(last + 1);
  const double most = excess(1);
  for (;;) {
    const double k = std::clamp(std::floor(inverse(area * rng.Uniform())), 1.0, last);
    const double accept = excess(k) / most;
    if (!(rng.Uniform() > accept)) return static_cast<size_t>(k) - 1;
  }
}

ParentPolicy::ParentPolicy(const SearchConfig& config) {
  if (config.policy == "mix") {
    draw_ = [config](const Island& island, const Lineage&, Rng& rng) {
      return DrawMix(config, island, rng);
    };
  } else if (config.policy == "power_law") {
    draw_ = [alpha = config.power_alpha](const Island& island, const Lineage&, Rng& rng) {
      return island.ranked().At(DrawPowerLaw(island.ranked().size(), alpha, rng)).member;
    };
  } else if (config.policy == "uct") {
    draw_ = [c = config.exploration](const Island& island, const Lineage& lineage, Rng& rng) {
      return DrawUct(c, island, lineage, rng);
    };
  } else if (config.policy == "puct") {
    draw_ = [c = config.exploration](const Island& island, const Lineage& lineage, Rng& rng) {
      return DrawPuct(c, island, lineage, rng);
    };
  } else if (config.policy == "crowding") {
    draw_ = [](const Island& island, const Lineage&, Rng& rng) {
      return FromSparseCell(island, LeastPromising(island, rng), rng);
    };
  } else {
    KS_CHECK(config.policy == "random");
    draw_ = [](const Island& island, const Lineage&, Rng& rng) {
      return island.ranked().At(rng.Below(island.ranked().size())).member;
    };
  }
}

MemberPtr ParentPolicy::Pick(const Island& island, const Lineage& lineage, Rng& rng) const {
  KS_CHECK(!island.ranked().empty());
  return draw_(island, lineage, rng);
}

}  // namespace ks
