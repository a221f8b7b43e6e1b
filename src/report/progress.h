// Watching a run: one line a step, or a small block that redraws itself.
//
// Rendering is a pure function of a state, so that it needs no terminal to be tested.
#ifndef KS_REPORT_PROGRESS_H_
#define KS_REPORT_PROGRESS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/observer.h"
#include "report/style.h"

namespace ks {

// What ends the run; zero: no limit (as in RunConfig).
struct ProgressGoal {
  int64_t steps = 0;
  double minutes = 0;
  double until_speedup = 0;
};

struct ProgressState {
  struct InFlight {
    std::string skill;
    CandidateId parent = kNoCandidate;
  };
  struct Point {
    double elapsed_s = 0;
    double speedup = 0;  // best so far over the baseline
  };

  ProgressGoal goal;
  std::string task, backend;
  double elapsed_s = 0;
  int evaluations = 0;
  int64_t steps_done = 0;                     // judged candidates that were no baseline probes
  std::map<std::string, int> outcomes;        // name -> count
  std::map<CandidateId, InFlight> in_flight;  // proposed, not yet judged
  CandidateId best = kNoCandidate;
  Interval best_speedup;          // over the baseline (the seed until one is chosen)
  double baseline_over_seed = 0;  // 0: no baseline chosen yet
  std::vector<Point> history;     // every improvement of the best
  std::string stop_reason;
};

// Folds events into a ProgressState. Candidates proposed before the baseline was chosen are probes
// (the seed and its flags), not steps, as the engine counts. Single thread.
class ProgressTracker {
 public:
  explicit ProgressTracker(ProgressGoal goal) { state_.goal = goal; }
  void Apply(const Event& event);
  void Tick(double elapsed_s);
  const ProgressState& state() const { return state_; }

 private:
  void Judged(const CandidateEvaluated& evaluated);
  void Rebase(const BaselineChosen& chosen);

  ProgressState state_;
  std::map<CandidateId, Interval> early_;  // speed-ups measured before the baseline was chosen
  CandidateId last_proposed_ = kNoCandidate;
  CandidateId last_probe_ = kNoCandidate;
};

// Where text goes: a FILE*, a string of a test.
using TextSink = std::function<void(std::string_view)>;

// One line a judged candidate, one for the baseline and one for the end:
// `[ 12/200] c19   tile_loops    measured     gain 1.42x  best 8.31x [8.27, 8.35]`
// Single thread (the engine's).
class LineProgress final : public Observer {
 public:
  // Events up to sequence `recorded` are history that the engine replays on resume: taken note of,
  // not printed.
  LineProgress(TextSink sink, Style style, ProgressGoal goal, int64_t recorded = 0)
      : sink_(std::move(sink)), style_(style), recorded_(recorded), tracker_(goal) {}
  void OnEvent(const Event& event) override;

 private:
  void PrintJudged(const CandidateEvaluated& evaluated, const ProgressState::InFlight& origin,
                   bool improved);

  TextSink sink_;
  Style style_;
  int64_t recorded_;
  ProgressTracker tracker_;
};

// The block of the live view: lines ending in '\n', none wider than `columns`, always the same
// number of lines. REQUIRES: columns >= 20.
std::string RenderLive(const ProgressState& state, int columns, const Style& style);

// Best-so-far over time as one row of block characters, `columns` wide; log scale.
std::string Sparkline(const std::vector<ProgressState::Point>& history, double elapsed_s,
                      int columns, const Style& style);

// Redraws RenderLive in place on each tick; hides the cursor meanwhile. When the run stops, or at
// destruction, the last state stays on the screen and the cursor is back. Single thread.
class LiveView final : public Observer {
 public:
  // `columns` is asked before each drawing (the window may change). `recorded`: as in LineProgress.
  LiveView(TextSink sink, std::function<int()> columns, Style style, ProgressGoal goal,
           int64_t recorded = 0);
  ~LiveView() override;
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  void OnEvent(const Event& event) override;
  void OnTick(double elapsed_s) override;

 private:
  void Draw();
  void Finish();

  TextSink sink_;
  std::function<int()> columns_;
  Style style_;
  int64_t recorded_;
  ProgressTracker tracker_;
  int drawn_lines_ = 0;    // of the block on the screen
  int drawn_columns_ = 0;  // of the window when it was drawn
  bool finished_ = false;
};

}  // namespace ks

#endif  // KS_REPORT_PROGRESS_H_
