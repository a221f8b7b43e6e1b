// All candidates as a tree: depth = edits from the seed. Chains run to the right, the chain to the
// best on top; children without children of their own are bunches of dots.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/html_sections.h"
#include "report/svg.h"

namespace ks {
namespace {

constexpr size_t kMaxCandidates = 1200;
constexpr int kMaxRows = 90;

class Tree {
 public:
  Tree(const RunView& view, double width, double row_height)
      : view_(view), width_(width), row_height_(row_height) {
    const size_t count = view.candidates.size();
    children_.resize(count);
    depth_.assign(count, 0);
    weight_.assign(count, 1);
    for (const CandidateId id : view.Lineage(view.best)) on_best_.insert(id);
    for (size_t i = 0; i < count; ++i) {
      const CandidateId parent = view.candidates[i].proposed.parent;
      if (parent < 0 || parent >= static_cast<CandidateId>(i)) continue;
      children_[static_cast<size_t>(parent)].push_back(i);
      depth_[i] = depth_[static_cast<size_t>(parent)] + 1;
      max_depth_ = std::max(max_depth_, depth_[i]);
    }
    for (size_t i = count; i-- > 0;) {
      for (size_t child : children_[i]) weight_[i] += weight_[child];
    }
    column_ = std::clamp((width - 2 * kMargin) / (max_depth_ + 1.0), 2 * kCell, 64.0);
    PlaceChain(0, 0);
  }

  bool legible() const { return last_row_ <= kMaxRows; }

  std::string Draw(std::string_view css_class) const {
    Svg svg(width_, kMargin * 2 + last_row_ * row_height_, css_class,
            fmt::format("Tree of {} candidates, {} edits deep at most; the chain on top leads to "
                        "the best",
                        view_.candidates.size(), max_depth_));
    for (const Link& link : links_) {
      const double x0 = X(link.from_x);
      const double y0 = Y(link.from_row);
      const double x1 = X(link.to_x);
      const double y1 = Y(link.to_row);
      svg.Path(fmt::format("M{} {}V{}H{}", Px(x0), Px(y0), Px(y1), Px(x1)),
               link.best ? "link best" : "link");
    }
    for (const Dot& dot : dots_) {
      const CandidateView& candidate = view_.candidates[dot.candidate];
      const bool best = on_best_.count(candidate.proposed.id) > 0;
      const Measured* measured = candidate.measured();
      const bool held = measured != nullptr && measured->gain_significant;
      svg.Circle(X(dot.x), Y(dot.row), best ? 5 : 3.2,
                 best ? "node best"
                      : fmt::format("node {}{}", OutcomeClass(candidate), held ? " held" : ""),
                 candidate.proposed.id);
    }
    return std::move(svg).Finish();
  }

 private:
  static constexpr double kMargin = 12;
  static constexpr double kCell = 8;
  struct Link {
    double from_x;
    int from_row;
    double to_x;
    int to_row;
    bool best;
  };
  struct Dot {
    double x;
    int row;
    size_t candidate;
  };

  double X(double x) const { return kMargin + x; }
  double Y(int row) const { return kMargin + row * row_height_; }
  double ColumnX(int depth) const { return depth * column_; }
  static int CellOf(double x) { return static_cast<int>(x / kCell); }

  bool Free(int row, double x0, double x1) const {
    for (int c = CellOf(x0); c <= CellOf(x1); ++c) {
      if (taken_.count({row, c}) > 0) return false;
    }
    return true;
  }
  void Take(int row, double x0, double x1) {
    for (int c = CellOf(x0); c <= CellOf(x1); ++c) taken_.insert({row, c});
    last_row_ = std::max(last_row_, row);
  }
  // The first row below `row` where [x0, x1] is free; the line down at x0 may only cross its own.
  int FindRow(int row, double x0, double x1) const {
    while (!Free(++row, x0, x1)) {
    }
    return row;
  }

  // The child that continues the chain: towards the best, else the largest family.
  size_t Heir(size_t node) const {
    size_t heir = children_[node].front();
    for (size_t child : children_[node]) {
      if (on_best_.count(static_cast<CandidateId>(child)) > 0) return child;
      if (weight_[child] > weight_[heir]) heir = child;
    }
    return heir;
  }

  // REQUIRES: `row` is free from the head's column to the end of its chain.
  void PlaceChain(size_t head, int row) {
    std::vector<size_t> chain = {head};
    while (!children_[chain.back()].empty()) chain.push_back(Heir(chain.back()));
    Take(row, ColumnX(depth_[head]), ColumnX(depth_[chain.back()]));
    for (size_t i = 0; i < chain.size(); ++i) {
      dots_.push_back({ColumnX(depth_[chain[i]]), row, chain[i]});
      if (i > 0) {
        links_.push_back({ColumnX(depth_[chain[i - 1]]), row, ColumnX(depth_[chain[i]]), row,
                          on_best_.count(static_cast<CandidateId>(chain[i])) > 0});
      }
    }
    // Deepest first: the lines of shallower nodes pass to the left of what hangs from deeper ones.
    for (size_t i = chain.size(); i-- > 0;) {
      PlaceRest(chain[i], row, i + 1 < chain.size() ? chain[i + 1] : chain[i]);
    }
  }

  void PlaceRest(size_t node, int row, size_t heir) {
    std::vector<size_t> leaves, families;
    for (size_t child : children_[node]) {
      if (child != heir) (children_[child].empty() ? leaves : families).push_back(child);
    }
    const double x0 = ColumnX(depth_[node]);
    const double begin = x0 + std::min(column_, 16.0);
    const auto room =
        static_cast<size_t>(std::max(1.0, std::min(16.0, (width_ - 2 * kMargin - begin) / kCell)));
    for (size_t first = 0; first < leaves.size(); first += room) {
      const size_t count = std::min(room, leaves.size() - first);
      const double end = begin + static_cast<double>(count - 1) * kCell;
      const int at = FindRow(row, x0, end + kCell);
      Connect(x0, row, begin, at);
      Take(at, x0, end + kCell);
      for (size_t i = 0; i < count; ++i) {
        dots_.push_back({begin + static_cast<double>(i) * kCell, at, leaves[first + i]});
      }
    }
    for (size_t family : families) {
      size_t last = family;
      while (!children_[last].empty()) last = Heir(last);
      const int at = FindRow(row, x0, ColumnX(depth_[last]) + kCell);
      Connect(x0, row, ColumnX(depth_[family]), at);
      PlaceChain(family, at);
    }
  }

  void Connect(double x0, int row, double x1, int at) {
    for (int r = row + 1; r <= at; ++r) taken_.insert({r, CellOf(x0)});
    Take(at, x0, x1);
    links_.push_back({x0, row, x1, at, false});
  }

  const RunView& view_;
  double width_;
  double row_height_;
  double column_ = 0;
  int max_depth_ = 0;
  int last_row_ = 0;
  std::vector<std::vector<size_t>> children_;
  std::vector<int> depth_;
  std::vector<size_t> weight_;
  std::set<CandidateId> on_best_;
  std::set<std::pair<int, int>> taken_;
  std::vector<Link> links_;
  std::vector<Dot> dots_;
};

}  // namespace

std::string TreeSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  if (view.best == kNoCandidate || view.candidates.size() < 3) return "";
  constexpr std::string_view kLead =
      "Every candidate hangs from its parent; the thick line leads from the seed to the best.";
  if (view.candidates.size() > kMaxCandidates) {
    return Section("tree", "All candidates", "Too many candidates to draw.", "");
  }
  const Tree wide(view, 1040, 15);
  const Tree narrow(view, 360, 15);
  std::string body = wide.legible() ? wide.Draw("chart wide") : "";
  body += narrow.legible() ? narrow.Draw("chart narrow") : "";
  if (body.empty()) return Section("tree", "All candidates", "Too many branches to draw.", "");
  body += Legend({{"best", "lineage of the best"},
                  {"held", "gain held"},
                  {"dot", "measured, no gain"},
                  {"failed", "failed"},
                  {"same", "same code as an earlier one"}});
  return Section("tree", "All candidates", kLead, body);
}

}  // namespace ks
