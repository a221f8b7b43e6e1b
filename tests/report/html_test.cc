#include "report/html.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/svg.h"
#include "tests/report/sample_run.h"

namespace ks {
namespace {

using testing::MakeSampleRun;
using testing::SampleRun;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

std::string ReportOf(const SampleRun& run) {
  ReportInput input;
  input.run = {&run.view, "runs/x", run.cells, run.axes, "abc123"};
  input.source = [&](const std::string& hash) { return run.Source(hash); };
  const auto html = HtmlReport(input);
  EXPECT_TRUE(html.ok());
  return html.value_or("");
}

TEST(HtmlReport, HasEverySectionAndLinksToIt) {
  const std::string html = ReportOf(MakeSampleRun(150));
  for (const char* id : {"result", "progress", "lineage", "timing", "archive", "tree", "outcomes",
                         "skills", "reproduce"}) {
    EXPECT_TRUE(Contains(html, std::string("<section id=\"") + id + "\"")) << id;
    EXPECT_TRUE(Contains(html, std::string("href=\"#") + id + "\"")) << id;
  }
}

TEST(HtmlReport, ReachesForNothingOutsideItself) {
  const std::string html = ReportOf(MakeSampleRun(150));
  for (const char* part : {"http://", "https://", "src=", "@import", "url(", "<link", "<iframe"}) {
    EXPECT_FALSE(Contains(html, part)) << part;
  }
}

TEST(HtmlReport, EscapesWhatCandidatesAndModelsWrote) {
  const SampleRun run = MakeSampleRun(60, true);
  const std::string html = ReportOf(run);
  EXPECT_EQ(Count(html, "<script"), 2);  // the data and the page's own
  EXPECT_EQ(Count(html, "</script"), 2);
  EXPECT_FALSE(Contains(html, "<img"));
  EXPECT_FALSE(Contains(html, "\x1b"));
  EXPECT_TRUE(Contains(html, "&lt;script&gt;alert(&#39;source&#39;)"));
}

TEST(HtmlReport, OfFiveHundredCandidatesStaysBelowTwoMegabytes) {
  EXPECT_LT(ReportOf(MakeSampleRun(500)).size(), size_t{2} << 20);
}

TEST(HtmlReport, TheLineageShowsEachStepWithItsDiff) {
  const SampleRun run = MakeSampleRun(150);
  const std::string html = ReportOf(run);
  const size_t steps = run.view.Lineage(run.view.best).size();
  const size_t begin = html.find("<ol class=\"lineage\">");
  const std::string lineage = html.substr(begin, html.find("</ol>", begin) - begin);
  EXPECT_EQ(Count(lineage, "<li"), static_cast<int>(steps));
  EXPECT_EQ(Count(lineage, "<pre class=\"diff\">"), static_cast<int>(steps) - 1);
}

TEST(HtmlReport, SaysSoWhenASourceIsLost) {
  SampleRun run = MakeSampleRun(150);
  run.sources.clear();
  EXPECT_TRUE(Contains(ReportOf(run), "The source is not available"));
}

TEST(HtmlReport, OfARunCutShortIsStillAReport) {
  for (int candidates : {1, 2, 3, 6}) {
    SampleRun run = MakeSampleRun(candidates);
    run.cells.clear();
    EXPECT_TRUE(Contains(ReportOf(run), "<section id=\"result\"")) << candidates;
  }
  SampleRun run = MakeSampleRun(1);
  run.view.candidates[0].evaluation.reset();
  run.view.best = kNoCandidate;
  run.view.evaluations = 0;
  EXPECT_TRUE(Contains(ReportOf(run), "No candidate of this run was measured"));
}

TEST(HtmlReport, IntervalsWithoutAnUpperEndStillDraw) {
  SampleRun run = MakeSampleRun(30);
  for (CandidateView& candidate : run.view.candidates) {
    if (candidate.measured() == nullptr) continue;
    Measured measured = *candidate.measured();
    measured.speedup.high = measured.gain.high = std::numeric_limits<double>::infinity();
    measured.timings[0].samples_ns = {0, std::numeric_limits<double>::quiet_NaN()};
    candidate.evaluation->outcome = measured;
  }
  const std::string html = ReportOf(run);
  EXPECT_FALSE(Contains(html, "nan"));
  EXPECT_FALSE(Contains(html, "inf\""));
  EXPECT_TRUE(Contains(html, "class=\"band\""));
}

TEST(HtmlReport, OfARunWithoutCandidatesIsAnErrorThatSaysWhatToDo) {
  const RunView view;
  ReportInput input;
  input.run.view = &view;
  input.source = [](const std::string&) -> Result<std::string> { return std::string(); };
  const auto html = HtmlReport(input);
  ASSERT_FALSE(html.ok());
  EXPECT_EQ(html.error().code, ErrorCode::kFailedPrecondition);
}

TEST(HtmlReport, TheCommandsAreSafeToPaste) {
  const SampleRun run = MakeSampleRun(20);
  ReportInput input;
  input.run = {&run.view, "my runs/it's", run.cells, run.axes, ""};
  input.source = [&](const std::string& hash) { return run.Source(hash); };
  const std::string html = *HtmlReport(input);
  EXPECT_TRUE(Contains(html, "ksmith replay &#39;my runs/it&#39;\\&#39;&#39;s&#39;"));
  EXPECT_TRUE(Contains(html, "--seed 7 --jobs 2 --steps 150"));
}

TEST(Scale, LogTicksAreRoundAndFew) {
  const Scale scale(0.7, 130, 0, 100, true);
  const std::vector<double> ticks = scale.Ticks(7);
  EXPECT_EQ(ticks, (std::vector<double>{1, 2, 5, 10, 20, 50, 100}));
  EXPECT_LE(Scale(1e-3, 1e9, 0, 100, true).Ticks(7).size(), 8u);
}

TEST(Scale, AnEmptyRangeStillDraws) {
  const Scale scale(1, 1, 0, 100, true);
  EXPECT_TRUE(scale(1) >= 0 && scale(1) <= 100);
  EXPECT_EQ(Px(std::numeric_limits<double>::quiet_NaN()), "0");
}

}  // namespace
}  // namespace ks
