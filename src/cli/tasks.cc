// `ksmith tasks`: list, check, new.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/gate_runner.h"
#include "cli/interrupt.h"
#include "cli/tasks_text.h"
#include "cli/wiring.h"
#include "report/show.h"
#include "task/gate.h"
#include "task/scaffold.h"

namespace ks {
namespace {

int List(const TasksOptions& options, const Console& console) {
  const Result<std::vector<Task>> tasks = LibraryTasks();
  if (!tasks.ok()) return console.Fail(tasks.error());
  console.Out(options.json ? TasksJson(*tasks) + "\n" : TasksTable(*tasks, console.style));
  return kExitFine;
}

Result<GateReport> Admit(const TasksOptions& options, std::stop_token stop) {
  const RunConfig config;
  KS_ASSIGN_OR_RETURN(const Task opened, OpenTask(options.task));
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Backend> backend,
                      OpenBackend(options.backend, options.device));
  const Task task = ForDeviceClass(opened, backend->device_class());
  BackendGateRunner runner(task, *backend, config.evaluation, std::move(stop));
  return RunGate(task, runner, config.seed);
}

int Check(const TasksOptions& options, const Console& console) {
  const InterruptGuard interrupt("\n");
  const Result<GateReport> report = Admit(options, interrupt.token());
  if (!report.ok()) return console.Fail(report.error());
  console.Out(options.json ? GateJson(options.task, *report)
                           : GateText(options.task, *report, console.style));
  return report->admitted() ? kExitFine : kExitFailed;
}

int New(const TasksOptions& options, const Console& console) {
  PosixFileSystem files;
  const std::string dir = options.folder.empty() ? options.task : options.folder;
  if (const Status status = WriteScaffold(files, dir, options.task); !status.ok()) {
    console.Fail(status.error());
    return kExitUsage;
  }
  console.Out(
      fmt::format("wrote {0}/: task.toml, reference.cc, seed.cc\n"
                  "next: change them, then ksmith tasks check {0}/, ksmith evolve {0}/\n",
                  dir));
  return kExitFine;
}

}  // namespace

int Tasks(const TasksOptions& options, const Console& console) {
  switch (options.action) {
    case TasksOptions::Action::kList:
      return List(options, console);
    case TasksOptions::Action::kCheck:
      return Check(options, console);
    case TasksOptions::Action::kNew:
      return New(options, console);
  }
  return kExitUsage;
}

}  // namespace ks
