// The only place where real parts are put together: names from the command line to ports.
#ifndef KS_CLI_WIRING_H_
#define KS_CLI_WIRING_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/file.h"
#include "cli/llm_wiring.h"
#include "cli/options.h"
#include "core/archive.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/event.h"
#include "core/novelty.h"
#include "core/proposer.h"
#include "core/store.h"
#include "core/task.h"

namespace ks {

// A name of the library, or a folder (anything with a '/' or that is a folder here).
// ERRORS: kNotFound with the nearest name; kInvalidArgument "file:line:column: what".
Result<Task> OpenTask(const std::string& name_or_folder);
// A task of the library only: never looks at files. ERRORS: kNotFound with the nearest name.
Result<Task> OpenLibraryTask(const std::string& name);
// The task that a recorded run was about. ERRORS: as OpenTask.
Result<Task> OpenRecordedTask(const RunStarted& started);
// The library, by name.
Result<std::vector<Task>> LibraryTasks();

// `device` counts those of the backend. ERRORS: kInvalidArgument (unknown name),
// kFailedPrecondition (no compiler, no sandbox, no driver, no such device).
Result<std::unique_ptr<Backend>> OpenBackend(const std::string& name, int device = 0);
// The backend that runs on the host's processor and every task's reference. ERRORS: as OpenBackend.
Result<std::unique_ptr<ProcessBackend>> OpenHostBackend();
// `task` (of the backend's device class, see ForDeviceClass) and `backend` outlive it.
// `compiler` compiles candidates in place of the backend (a cache before it, say); it outlives the
// evaluator too. Null: the backend does.
std::unique_ptr<Evaluator> MakeEvaluator(const Task& task, Backend& backend,
                                         const EvaluationConfig& config,
                                         Backend* compiler = nullptr);
// An evaluator that asks a service; `task` outlives it. ERRORS: those of RemoteEvaluator::Connect
// and of ReadTokenFile.
Result<std::unique_ptr<Evaluator>> ConnectEvaluator(const Task& task, const std::string& backend,
                                                    const EvaluationConfig& config,
                                                    const RemoteService& service,
                                                    std::stop_token stop);
// The one that `config` names; `setup` is for those with models. ERRORS: kInvalidArgument (unknown
// name); those of MakeLlmProposer.
Result<std::unique_ptr<Proposer>> MakeProposer(const RunConfig& config, const LlmSetup& setup);
// ERRORS: kInvalidArgument (there is no such proposer).
Status CheckProposerName(const std::string& name);
// With the strategies of the configuration's backend as cells.
std::unique_ptr<Archive> MakeArchive(const RunConfig& config);
// Equal texts for sources that differ only in comments, white space or names of locals.
std::string NormalizedSource(const std::string& source);

}  // namespace ks

#endif  // KS_CLI_WIRING_H_
