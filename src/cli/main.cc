// ksmith: the command line of kernelsmith.
#include <type_traits>

#include "cli/commands.h"
#include "cli/parse.h"

namespace ks {
namespace {

struct Runner {
  const Console& console;
  int operator()(const EvolveOptions& options) const { return Evolve(options, console); }
  int operator()(const EvaluateOptions& options) const { return EvaluateKernel(options, console); }
  int operator()(const ServeOptions& options) const { return Serve(options, console); }
  int operator()(const TasksOptions& options) const { return Tasks(options, console); }
  int operator()(const RunsOptions& options) const { return Runs(options, console); }
  int operator()(const ShowOptions& options) const { return Show(options, console); }
  int operator()(const DiffOptions& options) const { return Diff(options, console); }
  int operator()(const ExportOptions& options) const { return Export(options, console); }
  int operator()(const ReportOptions& options) const { return WriteReport(options, console); }
  int operator()(const ReplayOptions& options) const { return Replay(options, console); }
  int operator()(const CompareOptions& options) const { return CompareConfigs(options, console); }
  int operator()(const BenchOptions& options) const { return Bench(options, console); }
  int operator()(const DoctorOptions& options) const { return Doctor(options, console); }
  int operator()(const PresetsOptions& options) const { return ShowPresets(options, console); }
  int operator()(const ImportOptions& options) const { return ImportModules(options, console); }
  int operator()(const SeedsOptions& options) const { return Seeds(options, console); }
  int operator()(const DevicesOptions& options) const { return Devices(options, console); }
};

int Main(int argc, char** argv) {
  const Console console = SystemConsole();
  const ParsedCommandLine parsed = ParseCommandLine({argv + 1, argv + argc});
  console.Out(parsed.out);
  console.Err(parsed.err);
  return parsed.command ? std::visit(Runner{console}, *parsed.command) : parsed.exit_code;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) { return ks::Main(argc, argv); }
