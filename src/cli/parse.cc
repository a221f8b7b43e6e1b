#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/version.h"

namespace ks {
namespace {

constexpr const char* kAbout =
    "kernelsmith: makes compute kernels faster, with evidence.\n"
    "First look: ksmith evolve matmul --minutes 2";

// Every option as declared; the sub-command that was met tells which struct counts.
struct Slots {
  EvolveOptions evolve;
  EvaluateOptions evaluate;
  std::vector<std::string> stages = {"compile", "check", "time"};
  ServeOptions serve;
  TasksOptions tasks;
  RunsOptions runs;
  ShowOptions show;
  DiffOptions diff;
  ExportOptions export_;
  ReportOptions report;
  ReplayOptions replay;
  CompareOptions compare;
  BenchOptions bench;
  DoctorOptions doctor;
  DevicesOptions devices;
  PresetsOptions presets;
  ImportOptions import_;
  SeedsOptions seeds;
};

constexpr const char* kBackendHelp =
    "where candidates run: cpu, cuda, triton or opencl (default: cpu; see `ksmith devices`)";
constexpr const char* kEvaluateBackendHelp =
    "where candidates run: cpu, cuda, triton, opencl, or torch for a PyTorch module (default: cpu)";

// In place of CLI11's own, which name the largest double there is.
CLI::Validator Bounded(double least, bool with_least, const char* name) {
  const auto check = [=](const std::string& text) -> std::string {
    double value = 0;
    const bool is_number = CLI::detail::lexical_cast(text, value);
    if (is_number && (value > least || (with_least && value == least))) return "";
    return fmt::format("'{}' is no number {} {:g}", text, with_least ? "from" : "above", least);
  };
  return CLI::Validator(check, name);
}
CLI::Validator Above(double least, const char* name) { return Bounded(least, false, name); }
CLI::Validator AtLeast(double least, const char* name) { return Bounded(least, true, name); }

template <typename Number>
void AddDevice(CLI::App& app, Number& device) {
  app.add_option("--device", device, "which of the backend's devices (default: 0)")
      ->check(CLI::Range(0, 255));
}

void AddRun(CLI::App& app, std::string& run_dir) {
  app.add_option("RUN", run_dir, "run folder")->required();
}

void AddJson(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "print JSON (docs/json_output.md)");
}

void AddService(CLI::App& app, RemoteService& service) {
  CLI::Option* url = app.add_option("--evaluator", service.url,
                                    "let the service at this address evaluate: http://host:port");
  app.add_option("--token-file", service.token_file, "file with the service's token")->needs(url);
  app.add_option("--ca-file", service.ca_file, "certificates to trust for an https address")
      ->needs(url);
}

void AddModel(CLI::App& app, ModelOptions& options) {
  CLI::Option* server = app.add_option("--server", options.server,
                                       "OpenAI-compatible server to ask: http://host:port/v1");
  CLI::Option* model = app.add_option("--model", options.model, "name of the model there");
  server->needs(model);
  model->needs(server);
  CLI::Option* env = app.add_option("--key-env", options.key_env,
                                    "environment variable that holds the server's key")
                         ->needs(server);
  app.add_option("--key-file", options.key_file, "file that holds the key")
      ->needs(server)
      ->excludes(env);
  app.add_option("--answers", options.answers,
                 "run whose recorded answers are played: --proposer replay")
      ->excludes(server);
  app.add_option("--budget-usd", options.budget_usd, "stop before more is spent on models")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--budget-tokens", options.budget_tokens, "stop before more tokens are used")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--budget-calls", options.budget_calls, "stop before more requests are sent")
      ->check(Above(0, "POSITIVE"));
}

void DeclareServe(CLI::App& app, ServeOptions& options) {
  app.add_option("--port", options.port, "port (default: 8470; 0: any free one)")
      ->check(CLI::Range(0, 65535));
  app.add_option("--bind", options.bind,
                 "address to listen on (default: 127.0.0.1; others need a token)");
  app.add_option("--token-file", options.token_file, "file with the token that clients must send");
  app.add_option("--backend", options.backends, "backends to serve (default: cpu)")->delimiter(',');
  app.add_option("--devices", options.devices,
                 "devices to serve: cuda:0,cuda:1 (default: the first of each)")
      ->delimiter(',');
  app.add_option("--queue", options.queue, "evaluations that may wait (default: 10000)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  app.add_option("--cache", options.cache_dir,
                 "folder of accepted requests and outcomes (default: ksmith-cache)");
  app.add_option("--cache-size", options.cache_mib, "MiB of outcomes to keep (default: 1024)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  app.add_option("--jobs", options.jobs, "compiles and checks at once (default: one a core)")
      ->check(CLI::Range(1, 256));
  app.add_option("--rate", options.rate,
                 "requests a second that one client may send (default: 1000; 0: no limit)")
      ->check(AtLeast(0, "NONNEGATIVE"));
  app.add_option("--grace", options.grace_s,
                 "seconds that running evaluations get at a shutdown (default: 30)")
      ->check(AtLeast(0, "NONNEGATIVE"));
}

void DeclareEvolve(CLI::App& app, EvolveOptions& options) {
  CLI::Option* task = app.add_option("TASK", options.task,
                                     "task: a name of `ksmith tasks` or a folder; or names: a,b,c; "
                                     "a Python file with --backend torch");
  CLI::Option* tasks =
      app.add_option("--tasks", options.tasks,
                     "several tasks one after the other, or 'all'; they share what skills did")
          ->delimiter(',')
          ->excludes(task);
  app.add_option("--backend", options.backend, kEvaluateBackendHelp);
  AddDevice(app, options.device);
  app.add_option("--seed-file", options.seed_files,
                 "another file to start from, with --backend torch (may be repeated)");
  app.add_option("--proposer", options.proposer,
                 "who proposes: builtin, random, llm, scientist, best_of_n or replay "
                 "(default: builtin; docs/llm.md)");
  app.add_option("--steps", options.steps, "stop after so many proposals")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--minutes", options.minutes,
                 "stop after so many minutes (default without limits: 5)")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--until", options.until, "stop when the speed-up is at least this")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--seed", options.seed, "seed of all random choices (default: 1)")
      ->check(AtLeast(0, "NONNEGATIVE"));
  app.add_option(
         "--jobs", options.jobs,
         "steps in flight, and as many threads that evaluate (default: 2; for PyTorch modules 4)")
      ->check(CLI::Range(1, 256));
  app.add_option("--workers", options.workers,
                 "threads that evaluate, if not as many (same results)")
      ->check(CLI::Range(1, 256));
  CLI::Option* run =
      app.add_option("--run", options.run_dir, "run folder (default: runs/<task>-<date>-<n>)");
  app.add_option("--preset", options.preset,
                 "protocol to start from: a name of `ksmith presets`; --config on top changes it");
  app.add_option("--config", options.config_file,
                 "TOML file with the protocol (docs/operations.md)");
  app.add_option("--resume", options.resume_dir, "go on with this run folder")
      ->excludes(run)
      ->excludes(tasks);
  AddModel(app, options.llm);
  AddService(app, options.service);
}

void DeclareCompare(CLI::App& app, CompareOptions& options) {
  app.add_option("CONFIG", options.configs,
                 "configurations: [NAME=]FILE.toml, a preset (`ksmith presets`) or a proposer")
      ->required();
  app.add_option("--tasks", options.tasks, "tasks, or 'all' (default: all)")->delimiter(',');
  app.add_option("--seeds", options.seeds, "searches of each task and configuration (default: 3)")
      ->check(CLI::Range(1, 1000));
  CLI::Option* steps =
      app.add_option("--steps", options.steps, "budget of one search: proposals (default: 40)")
          ->check(Above(0, "POSITIVE"));
  app.add_option("--minutes", options.minutes, "budget of one search: minutes")
      ->check(Above(0, "POSITIVE"))
      ->excludes(steps);
  app.add_option("--backend", options.backend, kBackendHelp);
  app.add_option("--device", options.device, "which of the backend's devices (default: 0)")
      ->check(CLI::Range(0, 255));
  app.add_option("--out", options.out_dir,
                 "folder of the runs, compare.json and compare.html (default: runs/compare); what "
                 "it holds already is not done again");
  AddService(app, options.service);
  AddJson(app, options.json);
}

void DeclareBench(CLI::App& app, BenchOptions& options) {
  app.add_option("SUITE", options.suite,
                 "'library' (see `ksmith tasks`), a folder of tasks or of PyTorch modules (levels "
                 "are its sub-folders level1, level2, ...), or the JSON of `import kernelbench`")
      ->required();
  app.add_option("--protocol", options.protocol,
                 "paper (default): 40 rounds, 100 trials of the final answer (docs/bench.md)")
      ->check(CLI::IsMember({"paper"}));
  app.add_option("--tasks", options.tasks, "only these tasks of the suite")->delimiter(',');
  app.add_option("--backend", options.backend,
                 "where candidates run: cpu, cuda, triton, opencl, or torch for PyTorch modules "
                 "(default: cpu)");
  app.add_option("--devices", options.devices,
                 "devices of the backend that share the tasks: 0,1 (default: 0)")
      ->delimiter(',')
      ->check(CLI::Range(0, 255));
  app.add_option("--proposer", options.proposer, "who proposes (default: builtin)");
  app.add_option("--steps", options.steps, "rounds of one search (default: the protocol's)")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--minutes", options.minutes, "end a search after so many minutes, too")
      ->check(Above(0, "POSITIVE"));
  app.add_option("--config", options.config_file, "TOML file on top of the protocol's preset");
  app.add_option("--out", options.out_dir,
                 "folder of the runs, bench.json and bench.html (default: runs/bench); what it "
                 "holds already is not done again");
  app.add_option("--html", options.html_file, "write the page there, too");
  AddModel(app, options.llm);
  AddService(app, options.service);
  app.add_option(
         "--searches", options.searches,
         "searches at once: that ask the service (default: 1), or of PyTorch modules on each "
         "device (default: 2)")
      ->check(CLI::Range(1, 256));
  AddJson(app, options.json);
}

void DeclareEvaluate(CLI::App& app, Slots& slots) {
  EvaluateOptions& options = slots.evaluate;
  app.add_option("TASK", options.task,
                 "task: a name of `ksmith tasks` or a folder; a Python file with --backend torch")
      ->required();
  app.add_option("--kernel", options.kernel_file, "source file of the candidate")->required();
  app.add_option("--stages", slots.stages,
                 "some of compile,check,time,profile (compile is implied)")
      ->delimiter(',')
      ->check(CLI::IsMember({"compile", "check", "time", "profile"}));
  app.add_option("--backend", options.backend, kEvaluateBackendHelp);
  AddDevice(app, options.device);
  app.add_option("--config", options.config_file, "TOML file with the protocol");
  AddService(app, options.service);
  AddJson(app, options.json);
}

void DeclareTasks(CLI::App& app, TasksOptions& options) {
  AddJson(app, options.json);
  CLI::App* check = app.add_subcommand("check", "admission gate: may this task be trusted?");
  check->add_option("TASK", options.task, "task: a name or a folder")->required();
  check->add_option("--backend", options.backend, "whose seed is admitted (default: cpu)");
  AddDevice(*check, options.device);
  AddJson(*check, options.json);
  CLI::App* create = app.add_subcommand("new", "write a small task that passes the gate");
  create->add_option("NAME", options.task, "name of the task: lower case, digits, _")->required();
  create->add_option("--folder", options.folder, "where (default: ./NAME)");
  app.require_subcommand(0, 1);
}

void DeclareImport(CLI::App& app, ImportOptions& options) {
  CLI::App* module = app.add_subcommand("module", "one file: may verdicts about it be trusted?");
  module->add_option("FILE", options.path, "Python file with Model, get_inputs, get_init_inputs")
      ->required();
  CLI::App* suite = app.add_subcommand("kernelbench", "every module of a checkout of KernelBench");
  suite->add_option("DIR", options.path, "the checkout; it is read, not copied")->required();
  suite->add_option("--levels", options.levels, "levels (default: 1,2,3)")
      ->delimiter(',')
      ->check(CLI::Range(1, 9));
  for (CLI::App* command : {module, suite}) {
    command->add_option("--out", options.out_file, "also write the JSON to this file");
    AddJson(*command, options.json);
  }
  app.require_subcommand(1);
}

void DeclareSeeds(CLI::App& app, SeedsOptions& options) {
  app.add_option("FILE", options.module, "Python file with Model, get_inputs, get_init_inputs")
      ->required();
  app.add_option("--out", options.out_dir,
                 "folder for the seeds (default: NAME.seeds beside FILE)");
  app.add_option("--workload", options.workload, "sizes that they are for: full or reduced")
      ->check(CLI::IsMember({"full", "reduced"}));
  AddJson(app, options.json);
}

void DeclareRunCommands(CLI::App& app, Slots& slots) {
  CLI::App* runs = app.add_subcommand("runs", "list the runs of a folder");
  runs->add_option("FOLDER", slots.runs.folder, "where to look (default: runs)");
  AddJson(*runs, slots.runs.json);

  CLI::App* show = app.add_subcommand("show", "best candidates, archive and outcomes of a run");
  AddRun(*show, slots.show.run_dir);
  AddJson(*show, slots.show.json);

  CLI::App* diff =
      app.add_subcommand("diff", "what changed between two candidates (seed and best)");
  AddRun(*diff, slots.diff.run_dir);
  CLI::Option* from =
      diff->add_option("A", slots.diff.from, "seed, baseline, best or an id (default: seed)");
  diff->add_option("B", slots.diff.to, "the same (default: best)")->needs(from);

  CLI::App* export_ =
      app.add_subcommand("export", "write a candidate's source, or the record, to a file");
  AddRun(*export_, slots.export_.run_dir);
  CLI::App* what = export_->add_option_group("what");
  CLI::Option* best =
      what->add_option("--best", slots.export_.file, "file to write the best kernel to");
  what->add_option("--events", slots.export_.events_file,
                   "file to write all events to, as JSON, one a line");
  what->require_option(1, 2);
  export_->add_option("--candidate", slots.export_.candidate, "another candidate than the best")
      ->needs(best);

  CLI::App* report = app.add_subcommand("report", "write the HTML report of a run");
  AddRun(*report, slots.report.run_dir);
  report->add_option("--out", slots.report.file, "file (default: RUN/report.html)");

  CLI::App* replay = app.add_subcommand("replay", "run the search again on the recorded outcomes");
  AddRun(*replay, slots.replay.run_dir);
}

void Declare(CLI::App& app, Slots& slots) {
  app.set_version_flag("--version", fmt::format("ksmith {}", kVersion), "print the version");
  DeclareEvolve(*app.add_subcommand("evolve", "make the kernel of a task faster"), slots.evolve);
  DeclareCompare(*app.add_subcommand("compare", "search configurations against each other"),
                 slots.compare);
  DeclareBench(*app.add_subcommand("bench", "search a whole suite under a published protocol"),
               slots.bench);
  DeclareEvaluate(*app.add_subcommand("evaluate", "judge one kernel, with full feedback"), slots);
  DeclareServe(*app.add_subcommand("serve", "evaluate kernels for others, over HTTP"), slots.serve);
  DeclareTasks(*app.add_subcommand("tasks", "list, check and create tasks"), slots.tasks);
  DeclareImport(*app.add_subcommand("import", "admit PyTorch modules: yours, or KernelBench's"),
                slots.import_);
  DeclareSeeds(*app.add_subcommand("seeds", "write what torch.compile makes of a PyTorch module"),
               slots.seeds);
  DeclareRunCommands(app, slots);
  AddJson(*app.add_subcommand("doctor", "what works here, what does not, how to mend it"),
          slots.doctor.json);
  AddJson(*app.add_subcommand("devices", "list the accelerators that kernels can run on"),
          slots.devices.json);
  CLI::App* presets = app.add_subcommand("presets", "list the protocols that come with ksmith");
  presets->add_option("NAME", slots.presets.name, "print this one as a TOML file");
  app.require_subcommand(1);
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

// "(did you mean '--minutes'?)" for a mistyped option or command, or empty.
std::string Hint(const std::string& word, const CLI::App& app) {
  std::vector<std::string> names;
  if (word.rfind("-", 0) == 0) {
    for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  } else {
    names = CommandNames(app);
  }
  const std::string near = NearestName(word.substr(0, word.find('=')), names);
  return near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near);
}

// The sub-command that was being parsed, the innermost one.
const CLI::App& Current(const CLI::App& app) {
  const CLI::App* current = &app;
  while (!current->get_subcommands().empty()) current = current->get_subcommands().front();
  return *current;
}

ParsedCommandLine Usage(const std::string& message, const CLI::App& at) {
  std::string path = at.get_name();
  for (const CLI::App* up = at.get_parent(); up != nullptr; up = up->get_parent()) {
    path = up->get_name() + " " + path;
  }
  return {std::nullopt, kExitUsage, "",
          fmt::format("ksmith: {}\nTry '{} --help'.\n", message, path)};
}

ParsedCommandLine FromError(const CLI::ParseError& error, const CLI::App& app,
                            const std::vector<std::string>& arguments) {
  if (error.get_exit_code() == 0) {  // --help, --version
    std::ostringstream out;
    std::ostringstream err;
    app.exit(error, out, err);
    return {std::nullopt, kExitFine, out.str(), ""};
  }
  const CLI::App& at = Current(app);
  if (&at == &app && !arguments.empty() && arguments[0].rfind("-", 0) != 0) {
    return Usage(fmt::format("unknown command '{}'{}", arguments[0], Hint(arguments[0], app)), app);
  }
  const std::vector<std::string> extras = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !extras.empty()) {
    return Usage(fmt::format("unexpected argument '{}'{}", extras[0], Hint(extras[0], at)), at);
  }
  return Usage(error.what(), at);
}

Command Chosen(const CLI::App& app, Slots& slots) {
  const CLI::App& command = *app.get_subcommands().front();
  const std::string& name = command.get_name();
  if (name == "evaluate") {
    const auto asked = [&](const char* stage) {
      return std::find(slots.stages.begin(), slots.stages.end(), stage) != slots.stages.end();
    };
    const bool profile = asked("profile");  // of what was timed
    slots.evaluate.stages = {true, asked("check"), asked("time") || profile, profile};
    return slots.evaluate;
  }
  if (name == "tasks") {
    if (command.got_subcommand("check")) slots.tasks.action = TasksOptions::Action::kCheck;
    if (command.got_subcommand("new")) slots.tasks.action = TasksOptions::Action::kNew;
    return slots.tasks;
  }
  if (name == "import") {
    if (command.got_subcommand("kernelbench")) {
      slots.import_.kind = ImportOptions::Kind::kKernelBench;
    }
    return slots.import_;
  }
  if (name == "seeds") return slots.seeds;
  if (name == "serve") return slots.serve;
  if (name == "runs") return slots.runs;
  if (name == "show") return slots.show;
  if (name == "diff") return slots.diff;
  if (name == "export") return slots.export_;
  if (name == "report") return slots.report;
  if (name == "replay") return slots.replay;
  if (name == "compare") return slots.compare;
  if (name == "bench") return slots.bench;
  if (name == "doctor") return slots.doctor;
  if (name == "devices") return slots.devices;
  if (name == "presets") return slots.presets;
  return slots.evolve;
}

}  // namespace

ParsedCommandLine ParseCommandLine(const std::vector<std::string>& arguments) {
  CLI::App app(kAbout, "ksmith");
  Slots slots;
  Declare(app, slots);
  if (arguments.empty()) return {std::nullopt, kExitUsage, app.help(), ""};
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return FromError(error, app, arguments);
  }
  if (app.got_subcommand("evolve")) {
    EvolveOptions& evolve = slots.evolve;
    if (evolve.task.empty() && evolve.tasks.empty() && evolve.resume_dir.empty()) {
      return Usage("evolve needs a TASK, --tasks A,B or --resume RUN",
                   *app.get_subcommand("evolve"));
    }
    // Folders may have commas in their names; tasks of the library do not.
    if (evolve.task.find(',') != std::string::npos && evolve.task.find('/') == std::string::npos) {
      const std::string names = std::exchange(evolve.task, {});
      for (const std::string_view name : Split(names, ',')) {
        evolve.tasks.emplace_back(name);
      }
    }
  }
  return {Chosen(app, slots), kExitFine, "", ""};
}

}  // namespace ks
