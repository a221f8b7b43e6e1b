#include "backend/cpu/loops.h"

#include <algorithm>
#include <map>
#include <set>

namespace ks {
namespace {

constexpr size_t kMaxInstructions = 50'000;
constexpr size_t kMaxLoops = 2'000;

struct Block {
  int first = 0, last = 0;  // instructions, inclusive
  std::vector<int> successors, predecessors;
  int order = -1;  // reverse post-order number; -1: unreachable
  int dominator = -1;
};

class FlowGraph {
 public:
  explicit FlowGraph(const std::vector<FlowInstruction>& code) : code_(code) {
    MakeBlocks();
    Connect();
    Number();
    FindDominators();
  }

  std::vector<NaturalLoop> Loops() const {
    std::map<int, std::set<int>> bodies;  // header -> blocks
    for (size_t b = 0; b < blocks_.size(); ++b) {
      for (const int header : blocks_[b].successors) {
        if (Dominates(header, static_cast<int>(b)))
          Collect(header, static_cast<int>(b), &bodies[header]);
      }
    }
    std::vector<NaturalLoop> loops;
    if (bodies.size() > kMaxLoops) return loops;
    for (const auto& [header, body] : bodies) {
      NaturalLoop loop;
      for (const int b : body) {
        for (int i = blocks_[Index(b)].first; i <= blocks_[Index(b)].last; ++i) {
          loop.instructions.push_back(i);
        }
      }
      std::sort(loop.instructions.begin(), loop.instructions.end());
      for (const auto& [other, other_body] : bodies) {
        if (other == header) continue;
        if (other_body.contains(header) && !body.contains(other)) ++loop.depth;
        if (body.contains(other)) loop.innermost = false;
      }
      loops.push_back(std::move(loop));
    }
    return loops;
  }

 private:
  static size_t Index(int i) { return static_cast<size_t>(i); }

  void MakeBlocks() {
    std::set<int> starts = {0};
    for (size_t i = 0; i < code_.size(); ++i) {
      if (code_[i].target >= 0) starts.insert(code_[i].target);
      if (code_[i].is_branch || !code_[i].falls_through) starts.insert(static_cast<int>(i) + 1);
    }
    starts.erase(static_cast<int>(code_.size()));
    for (const int start : starts) {
      if (!blocks_.empty()) blocks_.back().last = start - 1;
      block_at_[start] = static_cast<int>(blocks_.size());
      Block block;
      block.first = start;
      block.last = static_cast<int>(code_.size()) - 1;
      blocks_.push_back(std::move(block));
    }
  }

  void Connect() {
    for (size_t b = 0; b < blocks_.size(); ++b) {
      const FlowInstruction& last = code_[Index(blocks_[b].last)];
      if (last.target >= 0) AddEdge(static_cast<int>(b), block_at_.at(last.target));
      if (last.falls_through && b + 1 < blocks_.size()) {
        AddEdge(static_cast<int>(b), static_cast<int>(b) + 1);
      }
    }
  }
  void AddEdge(int from, int to) {
    blocks_[Index(from)].successors.push_back(to);
    blocks_[Index(to)].predecessors.push_back(from);
  }

  // Depth first from the entry, without recursion.
  void Number() {
    std::vector<int> post_order;
    std::vector<bool> seen(blocks_.size());
    std::vector<std::pair<int, size_t>> stack = {{0, 0}};
    seen[0] = true;
    while (!stack.empty()) {
      auto& [block, next] = stack.back();
      const std::vector<int>& successors = blocks_[Index(block)].successors;
      if (next == successors.size()) {
        post_order.push_back(block);
        stack.pop_back();
        continue;
      }
      const int successor = successors[next++];
      if (!seen[Index(successor)]) {
        seen[Index(successor)] = true;
        stack.emplace_back(successor, 0);
      }
    }
    ordered_.assign(post_order.rbegin(), post_order.rend());
    for (size_t i = 0; i < ordered_.size(); ++i) {
      blocks_[Index(ordered_[i])].order = static_cast<int>(i);
    }
  }

  int Common(int a, int b) const {
    while (a != b) {
      while (blocks_[Index(a)].order > blocks_[Index(b)].order) a = blocks_[Index(a)].dominator;
      while (blocks_[Index(b)].order > blocks_[Index(a)].order) b = blocks_[Index(b)].dominator;
    }
    return a;
  }

  void FindDominators() {
    blocks_[0].dominator = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (const int b : ordered_) {
        if (b == 0) continue;
        int dominator = -1;
        for (const int p : blocks_[Index(b)].predecessors) {
          if (blocks_[Index(p)].dominator < 0) continue;
          dominator = dominator < 0 ? p : Common(p, dominator);
        }
        if (dominator != blocks_[Index(b)].dominator) {
          blocks_[Index(b)].dominator = dominator;
          changed = true;
        }
      }
    }
  }

  bool Dominates(int header, int block) const {
    if (blocks_[Index(block)].order < 0 || blocks_[Index(header)].order < 0) return false;
    while (blocks_[Index(block)].order > blocks_[Index(header)].order) {
      block = blocks_[Index(block)].dominator;
    }
    return block == header;
  }

  // Everything that reaches `tail` without passing `header`.
  void Collect(int header, int tail, std::set<int>* body) const {
    body->insert(header);
    std::vector<int> open = {tail};
    while (!open.empty()) {
      const int b = open.back();
      open.pop_back();
      if (blocks_[Index(b)].order < 0 || !body->insert(b).second) continue;
      for (const int p : blocks_[Index(b)].predecessors) open.push_back(p);
    }
  }

  const std::vector<FlowInstruction>& code_;
  std::vector<Block> blocks_;
  std::map<int, int> block_at_;  // first instruction -> block
  std::vector<int> ordered_;
};

}  // namespace

std::vector<NaturalLoop> FindLoops(const std::vector<FlowInstruction>& code) {
  if (code.empty() || code.size() > kMaxInstructions) return {};
  return FlowGraph(code).Loops();
}

}  // namespace ks
