// What each command does. Every function prints through the console and returns the exit status.
#ifndef KS_CLI_COMMANDS_H_
#define KS_CLI_COMMANDS_H_

#include "cli/console.h"
#include "cli/options.h"

namespace ks {

int Evolve(const EvolveOptions& options, const Console& console);
// Several tasks, options.tasks: each of its runs begins with what the skills did in those before.
int EvolveMany(const EvolveOptions& options, const Console& console);
int EvaluateKernel(const EvaluateOptions& options, const Console& console);
int Serve(const ServeOptions& options, const Console& console);
int Tasks(const TasksOptions& options, const Console& console);
int Runs(const RunsOptions& options, const Console& console);
int Show(const ShowOptions& options, const Console& console);
int Diff(const DiffOptions& options, const Console& console);
int Export(const ExportOptions& options, const Console& console);
int WriteReport(const ReportOptions& options, const Console& console);
int Replay(const ReplayOptions& options, const Console& console);
int CompareConfigs(const CompareOptions& options, const Console& console);
int Bench(const BenchOptions& options, const Console& console);
int Doctor(const DoctorOptions& options, const Console& console);
int ShowPresets(const PresetsOptions& options, const Console& console);
int ImportModules(const ImportOptions& options, const Console& console);
int Seeds(const SeedsOptions& options, const Console& console);
int Devices(const DevicesOptions& options, const Console& console);

}  // namespace ks

#endif  // KS_CLI_COMMANDS_H_
