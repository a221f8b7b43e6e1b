// What `ksmith bench SUITE` is about: tasks or PyTorch modules by level, from where the user keeps
// them.
#ifndef KS_CLI_BENCH_SUITE_H_
#define KS_CLI_BENCH_SUITE_H_

#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace ks {

struct SuiteTask {
  int level = 1;
  std::string name;       // unique in its level
  std::string opened_by;  // what `evolve` takes for it
  std::string precision;  // that its contract allows; empty: known when it was judged
};

// Of the suite, but not searched.
struct LeftOutTask {
  int level = 1;
  std::string name;
  std::string reason;
};

struct BenchSuite {
  std::string name;                        // as the user gave it
  std::map<int, std::string> level_names;  // "level 2", "library", "tasks"
  std::vector<SuiteTask> tasks;            // by level, then by name
  std::vector<LeftOutTask> left_out;       // no seed for the backend, refused by the gate
};

// `suite`: "library"; a folder of tasks or modules, or of level1, level2, ... with them (also in a
// sub-folder KernelBench); the JSON of `import kernelbench`. Only those that `backend` can search
// are taken; every task is opened, of modules only the hashes that the JSON has are compared.
// ERRORS: kNotFound (no such suite), kInvalidArgument (nothing in it for the backend, a task that
// does not load, a module that changed since it was imported, no JSON of a suite).
Result<BenchSuite> ReadSuite(const FileSystem& files, const std::string& suite,
                             const std::string& backend);

// Keeps the tasks called `names` (all for none). ERRORS: kNotFound with the nearest name.
Status KeepTasks(const std::vector<std::string>& names, BenchSuite& suite);

}  // namespace ks

#endif  // KS_CLI_BENCH_SUITE_H_
