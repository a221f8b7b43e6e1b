#include "report/progress.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "tests/report/sample_run.h"

namespace ks {
namespace {

using testing::MakeSampleRun;
using testing::SampleRun;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

ProgressState StateOf(const std::vector<Event>& events, ProgressGoal goal = {}) {
  ProgressTracker tracker(goal);
  for (const Event& event : events) tracker.Apply(event);
  return tracker.state();
}

TEST(ProgressTracker, AgreesWithTheFoldOfTheSameEvents) {
  const SampleRun run = MakeSampleRun(150);
  const ProgressState state = StateOf(run.events);
  EXPECT_EQ(state.best, run.view.best);
  EXPECT_EQ(state.best_speedup, run.view.SpeedupOf(run.view.best));
  EXPECT_EQ(state.evaluations, run.view.evaluations);
  EXPECT_EQ(state.outcomes, run.view.outcomes);
  EXPECT_TRUE(state.in_flight.empty());
  EXPECT_NEAR(state.history.front().speedup, run.view.SpeedupOf(0).mid, 1e-9);
}

TEST(ProgressTracker, DoesNotCountTheProbesOfTheBaselineAsSteps) {
  const SampleRun run = MakeSampleRun(150);
  EXPECT_EQ(StateOf(run.events).steps_done, 150 - (run.view.baseline_chosen_after + 1));
}

TEST(LineProgress, WritesOneLineForEachJudgedCandidate) {
  const SampleRun run = MakeSampleRun(40);
  std::vector<std::string> lines;
  LineProgress progress([&](std::string_view text) { lines.emplace_back(text); }, {},
                        {.steps = 35});
  for (const Event& event : run.events) progress.OnEvent(event);
  ASSERT_EQ(lines.size(), 42u);  // and the baseline, and the end
  for (const std::string& line : lines) EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_TRUE(lines[0].starts_with("[ -/35] c0    seed")) << lines[0];
  EXPECT_TRUE(Contains(lines[5], "baseline: c2")) << lines[5];
  EXPECT_TRUE(lines[6].starts_with("[ 1/35] c5 ")) << lines[6];
  EXPECT_TRUE(Contains(lines[41], "stopped (steps): 40 evaluations")) << lines[41];
}

TEST(LineProgress, IsSilentAboutWhatAnEarlierProcessPrinted) {
  const SampleRun run = MakeSampleRun(40);
  std::vector<std::string> lines;
  const auto recorded = static_cast<int64_t>(run.events.size()) - 3;  // up to the last proposal
  LineProgress progress([&](std::string_view text) { lines.emplace_back(text); }, {}, {}, recorded);
  for (const Event& event : run.events) progress.OnEvent(event);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(Contains(lines[0], "c39")) << lines[0];
}

TEST(RenderLive, IsSixLinesThatFitAnyWidth) {
  const SampleRun run = MakeSampleRun(60, true);
  for (size_t events :
       {size_t{0}, size_t{1}, size_t{9}, run.events.size() - 1, run.events.size()}) {
    const ProgressState state =
        StateOf({run.events.begin(), run.events.begin() + static_cast<std::ptrdiff_t>(events)},
                {.steps = 55, .minutes = 3, .until_speedup = 9});
    for (int columns : {20, 40, 80, 200}) {
      const std::string block = RenderLive(state, columns, {});
      EXPECT_EQ(std::count(block.begin(), block.end(), '\n'), 6);
      for (std::string_view line : Split(block, '\n'))
        EXPECT_LE(DisplayWidth(line), columns) << line;
      EXPECT_FALSE(Contains(block, "\x1b"));
    }
  }
}

TEST(RenderLive, ShowsTheBestTheStepsAndWhatIsInFlight) {
  const SampleRun run = MakeSampleRun(60);
  std::vector<Event> events(run.events.begin(), run.events.end() - 2);  // c59 is being judged
  const std::string block = RenderLive(StateOf(events, {.steps = 55}), 100, {});
  EXPECT_TRUE(Contains(block, "matmul on cpu  step 54/55")) << block;
  EXPECT_TRUE(Contains(block, CandidateName(StateOf(events).best))) << block;
  EXPECT_TRUE(Contains(block, "now      c59 ")) << block;
  EXPECT_TRUE(Contains(block, " left")) << block;
}

TEST(Sparkline, RisesWithTheBestAndIsAsWideAsAsked) {
  const std::vector<ProgressState::Point> history = {{1, 1}, {5, 4}, {9, 16}};
  EXPECT_EQ(Sparkline(history, 10, 10, {}), "▁▁▁▁▅▅▅▅██");
  EXPECT_EQ(Sparkline({{0, 1}}, 10, 4, {}), "▁▁▁▁");
  EXPECT_EQ(Sparkline({}, 10, 4, {}), "");
}

TEST(LiveView, RedrawsInPlaceAndGivesTheCursorBack) {
  const SampleRun run = MakeSampleRun(30);
  std::string screen;
  {
    LiveView view([&](std::string_view text) { screen += text; }, [] { return 80; }, {}, {});
    for (const Event& event : run.events) {
      view.OnEvent(event);
      if (screen.empty()) view.OnTick(0.1);
    }
    view.OnTick(1000);  // after the end nothing moves
  }
  EXPECT_TRUE(screen.starts_with("\x1b[?25l")) << screen.substr(0, 20);
  EXPECT_TRUE(screen.ends_with("\x1b[?25h"));
  EXPECT_TRUE(Contains(screen, "\x1b[6A\r\x1b[J"));
  EXPECT_TRUE(Contains(screen, "stopped: steps"));
  size_t shows = 0;
  for (size_t at = 0; (at = screen.find("\x1b[?25h", at)) != std::string::npos; ++at) ++shows;
  EXPECT_EQ(shows, 1u);
}

TEST(LiveView, GivesTheCursorBackWhenTheRunBreaksOff) {
  std::string screen;
  {
    LiveView view([&](std::string_view text) { screen += text; }, [] { return 80; }, {}, {});
    view.OnTick(0.1);
  }
  EXPECT_TRUE(screen.ends_with("\x1b[?25h"));
}

TEST(LiveView, ARecordedStopDoesNotEndIt) {
  const SampleRun run = MakeSampleRun(30);
  std::string screen;
  LiveView view([&](std::string_view text) { screen += text; }, [] { return 80; }, {}, {},
                static_cast<int64_t>(run.events.size()));
  for (const Event& event : run.events) view.OnEvent(event);
  EXPECT_EQ(screen, "");
  view.OnTick(1);
  EXPECT_NE(screen, "");
}

TEST(LiveView, ANarrowerWindowClearsTheWrappedRowsToo) {
  std::string screen;
  int columns = 100;
  LiveView view([&](std::string_view text) { screen += text; }, [&] { return columns; }, {}, {});
  view.OnTick(0.1);
  columns = 50;
  view.OnTick(0.2);
  EXPECT_TRUE(Contains(screen, "\x1b[12A\r\x1b[J"));
}

}  // namespace
}  // namespace ks
