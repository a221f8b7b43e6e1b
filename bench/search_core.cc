// The search core alone, by the method of the published figures: null proposer and evaluator,
// everything else real (archive, selection, normalising, hashing, SQLite with committed durability
// on a disk), one process.
//
//   search_core [--sizes 1000,10000,100000,1000000] [--more 20000] [--folder DIR]
//               [--normalize real|none] [--in-flight 64] [--keep yes]
//
// For each size: a run from nothing to that size; then, in a fresh process, the resume of it and
// `more` steps. One JSON object on standard output, a table on standard error.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "base/text.h"
#include "bench/null_search.h"
#include "engine/engine.h"
#include "propose/normalize.h"
#include "store/run_folder.h"
#include "store/sqlite_store.h"

namespace ks::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<int64_t> sizes = {1'000, 10'000, 100'000, 1'000'000};
  int64_t more = 20'000;
  std::string folder = "search_core_runs";
  std::string normalize = "real";
  int in_flight = 64;
  bool keep = false;  // the runs, and go on with those that were kept
};

constexpr uint64_t kSamplerSeed = 42;

// A field of /proc/self/status in MiB.
double MemoryMib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) != 0) continue;
    return static_cast<double>(
               ParseInt(SplitWords(std::string_view(line).substr(field.size() + 1)).front())
                   .value_or(0)) /
           1024;
  }
  return 0;
}

double Quantile(std::vector<int64_t> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return static_cast<double>(values[static_cast<size_t>(at)]);
}

double DiskMib(const std::string& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes / (1 << 20);
}

// Runs up to `steps` in the folder. With `resume`, what it took to get going again.
Json RunTo(const Options& options, const std::string& folder, int64_t steps, bool resume) {
  const SystemClock clock;
  const ProgramText text(ProgramText::kDataSeed);
  NullProposer proposer(text, clock);
  NullEvaluator evaluator;
  RunConfig config;
  config.seed = kSamplerSeed;
  config.in_flight = options.in_flight;
  config.workers = 1;
  config.max_steps = steps;
  config.search.inspirations = 2;
  GridArchive archive(config.search, CpuDescriptorAxes());
  const int64_t begin_ns = clock.MonotonicNs();
  const double begin_cpu = CpuSeconds();
  Result<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(
      RunFolder(folder).DatabasePath(), resume ? StoreMode::kWrite : StoreMode::kCreate);
  if (!store.ok()) return {{"error", store.error().message}};
  const double opened_ms = static_cast<double>(clock.MonotonicNs() - begin_ns) * 1e-6;
  const EngineParts parts{evaluator,
                          proposer,
                          archive,
                          **store,
                          clock,
                          {},
                          options.normalize == "real" ? NormalizeSource : nullptr,
                          {text.Make(-1)}};
  const Result<RunEnd> end = RunSearch(config, {"bench", "bench", "{}", "h"}, parts, {});
  const double end_cpu = CpuSeconds();
  const int64_t end_ns = clock.MonotonicNs();
  if (!end.ok()) return {{"error", end.error().message}};
  const std::vector<int64_t>& asked = proposer.asked_ns();
  if (asked.size() < 2) return {{"error", "the run has these steps already"}};
  std::vector<int64_t> gaps;
  for (size_t i = 1; i < asked.size(); ++i) gaps.push_back(asked[i] - asked[i - 1]);
  const auto rate = [&](size_t from, size_t to) {
    return static_cast<double>(to - from) / (static_cast<double>(asked[to] - asked[from]) * 1e-9);
  };
  const size_t last = asked.size() - 1;
  Json result{{"steps", asked.size()},
              {"seconds", static_cast<double>(end_ns - begin_ns) * 1e-9},
              {"cpu_us_per_iteration",
               (end_cpu - proposer.first_cpu_s()) / static_cast<double>(asked.size()) * 1e6},
              {"iterations_per_s", rate(0, last)},
              {"iterations_per_s_last_quarter", rate(last - last / 4, last)},
              {"step_us_median", Quantile(gaps, 0.5) * 1e-3},
              {"step_us_p999", Quantile(gaps, 0.999) * 1e-3},
              {"peak_rss_mib", MemoryMib("VmHWM")},
              {"disk_mib", DiskMib(folder)}};
  if (resume) {
    result["open_ms"] = opened_ms;
    result["load_s"] = static_cast<double>(asked.front() - begin_ns) * 1e-9;
    result["load_cpu_s"] = proposer.first_cpu_s() - begin_cpu;
    result["first_step_us"] = static_cast<double>(gaps.front()) * 1e-3;
    const auto slower = std::count_if(gaps.begin() + 1, gaps.end(),
                                      [&](int64_t gap) { return gap > gaps.front(); });
    result["slower_than_first_permille"] =
        1e3 * static_cast<double>(slower) / static_cast<double>(gaps.size() - 1);
    std::vector<int64_t> draws;
    for (uint64_t i = 0; i < 20'000; ++i) {
      const int64_t before = clock.MonotonicNs();
      const Selection selection = archive.Select(i);
      draws.push_back(clock.MonotonicNs() - before);
    }
    result["sample_us_median"] = Quantile(draws, 0.5) * 1e-3;
    result["sample_us_p999"] = Quantile(draws, 0.999) * 1e-3;
  }
  return result;
}

// In a process of its own, so that memory and caches are its own.
Json Apart(const std::function<Json()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return {{"error", "pipe"}};
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = work().dump();
    const ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text(1 << 16, '\0');
  size_t size = 0;
  for (ssize_t n = 0; (n = read(ends[0], text.data() + size, text.size() - size)) > 0;) {
    size += static_cast<size_t>(n);
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const Json result = Json::parse(text.substr(0, size), nullptr, false);
  return result.is_discarded() ? Json{{"error", "the process ended early"}} : result;
}

Json MeasureSize(const Options& options, int64_t size) {
  const std::string folder = fmt::format("{}/{}", options.folder, size);
  Json result{{"programs", size}};
  if (!options.keep || !std::filesystem::exists(folder)) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    result["from_nothing"] = Apart([&] { return RunTo(options, folder, size, false); });
  }
  result["resumed"] = Apart([&] { return RunTo(options, folder, size + options.more, true); });
  if (!options.keep) std::filesystem::remove_all(folder);
  return result;
}

struct Column {
  const char* title;
  const char* part;
  const char* name;
  int digits;
};
constexpr Column kColumns[] = {{"build/s", "from_nothing", "iterations_per_s", 0},
                               {"steady/s", "resumed", "iterations_per_s", 0},
                               {"cpu us", "resumed", "cpu_us_per_iteration", 1},
                               {"p99.9 us", "resumed", "step_us_p999", 0},
                               {"load s", "resumed", "load_s", 3},
                               {"load cpu", "resumed", "load_cpu_s", 3},
                               {"first us", "resumed", "first_step_us", 1},
                               {"slower ‰", "resumed", "slower_than_first_permille", 1},
                               {"draw us", "resumed", "sample_us_median", 2},
                               {"draw p999", "resumed", "sample_us_p999", 1},
                               {"rss MiB", "resumed", "peak_rss_mib", 0},
                               {"disk MiB", "resumed", "disk_mib", 0}};

void PrintRow(const Json& row) {
  fmt::print(stderr, "{:>8}", row["programs"].get<int64_t>());
  for (const Column& column : kColumns) {
    const Json part = row.value(column.part, Json::object());
    if (part.contains("error")) fmt::print(stderr, " {}", part["error"].get<std::string>());
    fmt::print(stderr, " {:>9.{}f}", part.value(column.name, 0.0), column.digits);
  }
  fmt::print(stderr, "\n");
}

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--sizes") {
      options.sizes.clear();
      for (std::string_view size : Split(value, ',')) {
        options.sizes.push_back(ParseInt(size).value_or(1000));
      }
    }
    if (name == "--more") options.more = ParseInt(value).value_or(options.more);
    if (name == "--folder") options.folder = value;
    if (name == "--keep") options.keep = value == "yes";
    if (name == "--normalize") options.normalize = value;
    if (name == "--in-flight") options.in_flight = static_cast<int>(ParseInt(value).value_or(64));
  }
  return options;
}

}  // namespace
}  // namespace ks::bench

int main(int argc, char** argv) {
  using namespace ks::bench;  // NOLINT: a program
  const Options options = Parse(argc, argv);
  fmt::print(stderr, "{:>8}", "programs");
  for (const auto& column : kColumns) fmt::print(stderr, " {:>9}", column.title);
  fmt::print(stderr, "\n");
  Json all{{"in_flight", options.in_flight}, {"normalize", options.normalize}};
  for (const int64_t size : options.sizes) {
    const Json row = MeasureSize(options, size);
    PrintRow(row);
    all["sizes"].push_back(row);
  }
  fmt::print("{}\n", all.dump(2));
  return 0;
}
