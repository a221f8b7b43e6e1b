#include "report/diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

using Lines = std::vector<std::string_view>;

// Differences beyond which a script is of no use to a reader, and too dear (memory ~ its square).
constexpr int kMaxEdits = 2000;

Lines LinesOf(std::string_view text) {
  Lines lines = Split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();  // after the last newline
  for (std::string_view& line : lines) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  }
  return lines;
}

// Writes the script between two line sequences.
class Differ {
 public:
  Differ(const Lines& before, const Lines& after) : a_(before), b_(after) {}

  std::vector<DiffLine> Run() {
    const int n = static_cast<int>(a_.size());
    const int m = static_cast<int>(b_.size());
    int prefix = 0;
    while (prefix < std::min(n, m) && A(prefix) == B(prefix)) ++prefix;
    int suffix = 0;
    while (suffix < std::min(n, m) - prefix && A(n - 1 - suffix) == B(m - 1 - suffix)) ++suffix;
    for (int i = 0; i < prefix; ++i) Same(i, i);
    Middle(prefix, n - suffix, prefix, m - suffix);
    for (int i = suffix; i > 0; --i) Same(n - i, m - i);
    return std::move(out_);
  }

 private:
  std::string_view A(int i) const { return a_[static_cast<size_t>(i)]; }
  std::string_view B(int j) const { return b_[static_cast<size_t>(j)]; }
  void Same(int i, int j) {
    out_.push_back({DiffLine::Kind::kSame, i + 1, j + 1, std::string(A(i))});
  }
  void Removed(int i) { out_.push_back({DiffLine::Kind::kRemoved, i + 1, 0, std::string(A(i))}); }
  void Added(int j) { out_.push_back({DiffLine::Kind::kAdded, 0, j + 1, std::string(B(j))}); }

  // Lines [a0, a1) of the old side against [b0, b1) of the new one.
  void Middle(int a0, int a1, int b0, int b1) {
    const int n = a1 - a0;
    const int m = b1 - b0;
    // trace[d] = the furthest x on diagonals -d .. d after d edits.
    std::vector<std::vector<int>> trace;
    std::vector<int> furthest(static_cast<size_t>(2 * (n + m) + 3), 0);
    const auto at = [&](int k) -> int& { return furthest[static_cast<size_t>(k + n + m + 1)]; };
    for (int d = 0; d <= std::min(n + m, kMaxEdits); ++d) {
      for (int k = -d; k <= d; k += 2) {
        int x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
        while (x < n && x - k < m && A(a0 + x) == B(b0 + x - k)) ++x;
        at(k) = x;
        if (x >= n && x - k >= m) return Backtrack(trace, d, a0, b0, n, m);
      }
      std::vector<int> reached;
      for (int k = -d; k <= d; ++k) reached.push_back(at(k));
      trace.push_back(std::move(reached));
    }
    for (int i = a0; i < a1; ++i) Removed(i);
    for (int j = b0; j < b1; ++j) Added(j);
  }

  void Backtrack(const std::vector<std::vector<int>>& trace, int edits, int a0, int b0, int x,
                 int y) {
    std::vector<DiffLine> reversed;
    const auto keep = [&](auto write) {
      write();
      reversed.push_back(std::move(out_.back()));
      out_.pop_back();
    };
    for (int d = edits; d > 0; --d) {
      const std::vector<int>& before = trace[static_cast<size_t>(d - 1)];
      const auto at = [&](int k) {
        return k < -(d - 1) || k > d - 1 ? -1 : before[static_cast<size_t>(k + d - 1)];
      };
      const int k = x - y;
      const bool insert = k == -d || (k != d && at(k - 1) < at(k + 1));
      const int from_k = insert ? k + 1 : k - 1;
      const int from_x = at(from_k);
      const int from_y = from_x - from_k;
      while (x > from_x + (insert ? 0 : 1) && y > from_y + (insert ? 1 : 0)) {
        --x, --y;
        keep([&] { Same(a0 + x, b0 + y); });
      }
      if (insert) {
        keep([&] { Added(b0 + from_y); });
      } else {
        keep([&] { Removed(a0 + from_x); });
      }
      x = from_x;
      y = from_y;
    }
    while (x > 0 && y > 0) {
      --x, --y;
      keep([&] { Same(a0 + x, b0 + y); });
    }
    out_.insert(out_.end(), std::make_move_iterator(reversed.rbegin()),
                std::make_move_iterator(reversed.rend()));
  }

  const Lines& a_;
  const Lines& b_;
  std::vector<DiffLine> out_;
};

DiffHunk MakeHunk(const std::vector<DiffLine>& lines, size_t begin, size_t end) {
  DiffHunk hunk;
  hunk.lines.assign(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                    lines.begin() + static_cast<std::ptrdiff_t>(end));
  for (const DiffLine& line : hunk.lines) {
    hunk.old_count += line.old_line > 0 ? 1 : 0;
    hunk.new_count += line.new_line > 0 ? 1 : 0;
    if (hunk.old_begin == 0) hunk.old_begin = line.old_line;
    if (hunk.new_begin == 0) hunk.new_begin = line.new_line;
  }
  return hunk;
}

}  // namespace

std::vector<DiffLine> DiffLines(std::string_view before, std::string_view after) {
  const Lines a = LinesOf(before);
  const Lines b = LinesOf(after);
  return Differ(a, b).Run();
}

std::vector<DiffHunk> DiffHunks(const std::vector<DiffLine>& lines, int context) {
  std::vector<DiffHunk> hunks;
  const auto reach = static_cast<size_t>(std::max(0, context));
  size_t begin = 0;
  size_t end = 0;  // of the hunk being collected; begin == end: none
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind == DiffLine::Kind::kSame) continue;
    const size_t first = i > reach ? i - reach : 0;
    if (end > begin && first > end) {
      hunks.push_back(MakeHunk(lines, begin, end));
      begin = first;
    } else if (end == begin) {
      begin = first;
    }
    end = std::min(lines.size(), i + reach + 1);
  }
  if (end > begin) hunks.push_back(MakeHunk(lines, begin, end));
  return hunks;
}

DiffStat CountChanges(const std::vector<DiffLine>& lines) {
  DiffStat stat;
  for (const DiffLine& line : lines) {
    stat.added += line.kind == DiffLine::Kind::kAdded ? 1 : 0;
    stat.removed += line.kind == DiffLine::Kind::kRemoved ? 1 : 0;
  }
  return stat;
}

std::string UnifiedDiff(std::string_view before, std::string_view after,
                        const std::string& before_name, const std::string& after_name,
                        const Style& style) {
  const std::vector<DiffHunk> hunks = DiffHunks(DiffLines(before, after));
  if (hunks.empty()) return "";
  std::string out = Paint(style, Ink::kBold, "--- " + PrintableLine(before_name)) + "\n" +
                    Paint(style, Ink::kBold, "+++ " + PrintableLine(after_name)) + "\n";
  for (const DiffHunk& hunk : hunks) {
    out += Paint(style, Ink::kCyan,
                 fmt::format("@@ -{},{} +{},{} @@", hunk.old_begin, hunk.old_count, hunk.new_begin,
                             hunk.new_count));
    out += '\n';
    for (const DiffLine& line : hunk.lines) {
      const bool added = line.kind == DiffLine::Kind::kAdded;
      const bool removed = line.kind == DiffLine::Kind::kRemoved;
      const Ink ink = added ? Ink::kGreen : removed ? Ink::kRed : Ink::kPlain;
      const std::string mark = added ? "+" : removed ? "-" : " ";
      out += Paint(style, ink, mark + PrintableLine(line.text)) + "\n";
    }
  }
  return out;
}

}  // namespace ks
