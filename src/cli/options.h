// What a command line asks for, as plain values. parse.h fills them; run.h acts on them.
#ifndef KS_CLI_OPTIONS_H_
#define KS_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/evaluator.h"

namespace ks {

class ModuleDevices;  // cli/modules.h

// The service that evaluates in place of this machine; no address: this machine.
struct RemoteService {
  std::string url;
  std::string token_file;  // empty: no token
  std::string ca_file;     // https: certificates to trust beside the system's
};

// A model and what may be spent on it; empty: what the configuration file says.
struct ModelOptions {
  std::string server;    // "https://host/v1"
  std::string model;     // its name there
  std::string key_env;   // environment variable with the key
  std::string key_file;  // or the file
  std::string answers;   // run whose recorded answers are played
  std::optional<double> budget_usd;
  std::optional<int64_t> budget_tokens;
  std::optional<int64_t> budget_calls;
};

// Empty optionals were not given: the configuration file, the preset, then the defaults decide.
struct EvolveOptions {
  std::string task;  // a library name, a folder, a module's file; empty with resume_dir or tasks
  // Several, one after the other, each in a folder of its own in run_dir; "all": the library.
  std::vector<std::string> tasks;
  std::vector<std::string> seed_files;  // further starts, for a module
  std::string prior_skills;             // records of skills from other runs (core/skill_record.h)
  std::string run_dir;                  // empty: ./runs/<task>-<date>-<n>
  std::string resume_dir;               // a run to go on with; empty: none
  std::string preset;                   // a name of `ksmith presets`; empty: none
  std::string config_file;              // TOML; empty: none
  std::optional<std::string> backend;
  std::optional<int> device;
  std::optional<std::string> proposer;
  std::optional<int64_t> steps;
  std::optional<double> minutes;
  std::optional<double> until;
  std::optional<uint64_t> seed;
  std::optional<int> jobs;
  std::optional<int> workers;
  ModelOptions llm;
  RemoteService service;
  ModuleDevices* modules = nullptr;  // what searches of modules share; none: each has its own
};

struct EvaluateOptions {
  std::string task;  // backend "torch": the file of a PyTorch module
  std::string kernel_file;
  std::string config_file;
  std::string backend = "cpu";
  int device = 0;
  Stages stages;
  bool json = false;
  RemoteService service;
};

struct ServeOptions {
  std::string bind = "127.0.0.1";
  int port = 8470;         // 0: any free one
  std::string token_file;  // empty: none; only allowed on loopback
  std::vector<std::string> backends = {"cpu"};
  std::vector<std::string> devices;  // "cuda:1"; empty: the first of each backend
  std::string cache_dir = "ksmith-cache";
  int64_t cache_mib = 1024;
  int64_t queue = 10000;  // accepted and not finished
  int jobs = 0;           // compiles and checks at once; 0: one a core
  double rate = 1000;     // requests a second of one client; 0: no limit
  double grace_s = 30;    // for what runs at a shutdown
};

struct TasksOptions {
  enum class Action { kList, kCheck, kNew };
  Action action = Action::kList;
  std::string task;             // kCheck: name or folder; kNew: the new name
  std::string folder;           // kNew: where; empty: ./<name>
  std::string backend = "cpu";  // kCheck: whose seed is admitted
  int device = 0;
  bool json = false;
};

struct ImportOptions {
  enum class Kind { kModule, kKernelBench };
  Kind kind = Kind::kModule;
  std::string path;  // a file; the folder of a checkout
  std::vector<int> levels = {1, 2, 3};
  std::string out_file;  // of the JSON; empty: none
  bool json = false;
};

struct SeedsOptions {
  std::string module;             // the file of a PyTorch module
  std::string out_dir;            // empty: "NAME.seeds" beside the module
  std::string workload = "full";  // or "reduced": sizes that the seeds are for
  bool json = false;
};

struct DevicesOptions {
  bool json = false;
};

struct PresetsOptions {
  std::string name;  // print this one; empty: list them
};

struct RunsOptions {
  std::string folder = "runs";
  bool json = false;
};

struct ShowOptions {
  std::string run_dir;
  bool json = false;
};

// Candidates: "seed", "best", "baseline" or an id such as "c12" or "12".
struct DiffOptions {
  std::string run_dir;
  std::string from = "seed";
  std::string to = "best";
};

struct ExportOptions {
  std::string run_dir;
  std::string candidate = "best";
  std::string file;         // for its source; empty: none
  std::string events_file;  // for all events as JSON; empty: none
};

struct ReportOptions {
  std::string run_dir;
  std::string file;  // empty: report.html in the run folder
};

struct ReplayOptions {
  std::string run_dir;
};

struct CompareOptions {
  std::vector<std::string> configs;  // "NAME=FILE", "FILE", or a preset or proposer
  std::vector<std::string> tasks;    // names or folders; "all": the library's for the backend
  int seeds = 3;                     // 1, 2, ... seeds
  std::optional<int64_t> steps;
  std::optional<double> minutes;
  std::optional<std::string> backend;
  std::optional<int> device;
  std::string out_dir = "runs/compare";
  bool json = false;
  RemoteService service;
};

struct BenchOptions {
  std::string suite;  // "library", a folder, or the JSON of an import
  std::string protocol = "paper";
  std::vector<std::string> tasks;  // names; empty: all
  std::string config_file;         // TOML on top of the protocol's preset; empty: none
  std::optional<std::string> backend;
  std::optional<std::string> proposer;
  std::optional<int64_t> steps;
  std::optional<double> minutes;
  std::vector<int> devices;  // of the backend; empty: the first
  // At once, with a service (empty: one), or of PyTorch modules on each device.
  std::optional<int> searches;
  std::string out_dir = "runs/bench";
  std::string html_file;  // one more copy of the page; empty: none
  bool json = false;
  ModelOptions llm;
  RemoteService service;
};

struct DoctorOptions {
  bool json = false;
};

using Command = std::variant<EvolveOptions, EvaluateOptions, ServeOptions, TasksOptions,
                             RunsOptions, ShowOptions, DiffOptions, ExportOptions, ReportOptions,
                             ReplayOptions, CompareOptions, BenchOptions, DoctorOptions,
                             DevicesOptions, ImportOptions, PresetsOptions, SeedsOptions>;

}  // namespace ks

#endif  // KS_CLI_OPTIONS_H_
