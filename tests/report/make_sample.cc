// Writes the report of a made-up run: make_sample FILE [CANDIDATES] [hostile], or of a benchmark:
// make_sample FILE bench [hostile]. For the browser test and for looking at.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "report/bench.h"
#include "report/html.h"
#include "tests/report/sample_bench.h"
#include "tests/report/sample_run.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: make_sample FILE [CANDIDATES | bench] [hostile]\n";
    return 2;
  }
  if (argc > 2 && std::string(argv[2]) == "bench") {
    const ks::BenchInput bench = ks::testing::MakeSampleBench(argc > 3);
    std::ofstream(argv[1], std::ios::binary) << ks::BenchHtml(bench, ks::Summarize(bench));
    return 0;
  }
  const int candidates = argc > 2 ? std::atoi(argv[2]) : 150;
  const ks::testing::SampleRun run = ks::testing::MakeSampleRun(candidates, argc > 3);
  ks::ReportInput input;
  input.run = {&run.view, "runs/matmul-20261120-231502", run.cells, run.axes,
               "3b9c6b8c0a0de9a7a4b7f0f5e2c1d0938475665748392a1b0c1d2e3f40516273"};
  input.source = [&](const std::string& hash) { return run.Source(hash); };
  input.task_summary = "C = A B, single precision, row-major";
  input.written_unix_ms = 1'795'216'800'000;
  const auto html = ks::HtmlReport(input);
  if (!html.ok()) {
    std::cerr << html.error().message << "\n";
    return 1;
  }
  std::ofstream(argv[1], std::ios::binary) << *html;
  return 0;
}
