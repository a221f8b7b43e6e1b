// Line differences between two sources: shortest edit script (Myers, "An O(ND) Difference Algorithm
// and Its Variations", 1986), shown as unified text or as HTML rows. Pure functions.
#ifndef KS_REPORT_DIFF_H_
#define KS_REPORT_DIFF_H_

#include <string>
#include <string_view>
#include <vector>

#include "report/style.h"

namespace ks {

struct DiffLine {
  enum class Kind { kSame, kRemoved, kAdded } kind = Kind::kSame;
  int old_line = 0;  // 1-based; 0 for an added line
  int new_line = 0;  // 1-based; 0 for a removed line
  std::string text;  // without its newline
};

// Every line of both sides, in order. O((n + m) d) time for d differences; when d would exceed a
// bound (sources that share next to nothing), the differing middle is shown as removed, then added.
std::vector<DiffLine> DiffLines(std::string_view before, std::string_view after);

// Lines that changed with up to `context` unchanged ones around them.
struct DiffHunk {
  int old_begin = 0, old_count = 0, new_begin = 0, new_count = 0;
  std::vector<DiffLine> lines;
};
std::vector<DiffHunk> DiffHunks(const std::vector<DiffLine>& lines, int context = 3);

struct DiffStat {
  int added = 0;
  int removed = 0;
};
DiffStat CountChanges(const std::vector<DiffLine>& lines);

// As `diff -u` prints it, made printable; empty when the sources are equal.
std::string UnifiedDiff(std::string_view before, std::string_view after,
                        const std::string& before_name, const std::string& after_name,
                        const Style& style);

}  // namespace ks

#endif  // KS_REPORT_DIFF_H_
