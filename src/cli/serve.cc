// `ksmith serve`: the evaluation service.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/local_source.h"
#include "cli/token_file.h"
#include "cli/version.h"
#include "cli/wiring.h"
#include "net/http_server.h"
#include "report/show.h"
#include "service/api.h"
#include "service/journal.h"
#include "service/service.h"

namespace ks {
namespace {

constexpr double kCloseSeconds = 2;  // for answers on their way when all else has ended

// Parts are destroyed in reverse order.
struct OpenService {
  SystemClock clock;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<LocalEvaluatorSource> source;  // keeps binaries in the journal
  std::unique_ptr<EvaluationService> service;
  std::unique_ptr<ServiceApi> api;
  std::unique_ptr<HttpServer> server;
};

Result<std::string> TokenFor(const ServeOptions& options) {
  if (!options.token_file.empty()) return ReadTokenFile(PosixFileSystem(), options.token_file);
  if (IsLoopback(options.bind)) return std::string();
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("--bind {} lets other machines in: give a --token-file (make one with: "
                           "openssl rand -hex 32 > token)",
                           options.bind)};
}

Result<Task> FindTask(const std::string& name) {
  // A request must not name folders of this machine.
  if (name.find('/') != std::string::npos || name.find('.') != std::string::npos) {
    return Error{ErrorCode::kNotFound, "no task '" + name + "' in the library of this server"};
  }
  Result<Task> task = OpenLibraryTask(name);
  if (!task.ok()) return Error{ErrorCode::kNotFound, task.error().message};
  return task;
}

HttpServerOptions ServerOptions(const ServeOptions& options) {
  HttpServerOptions server;
  server.address = options.bind;
  server.port = static_cast<uint16_t>(options.port);
  return server;
}

Status Open(const ServeOptions& options, OpenService& parts) {
  KS_ASSIGN_OR_RETURN(const std::string token, TokenFor(options));
  KS_ASSIGN_OR_RETURN(parts.source, LocalEvaluatorSource::Open(options.backends, options.devices));
  KS_ASSIGN_OR_RETURN(const std::vector<Task> tasks, LibraryTasks());
  KS_ASSIGN_OR_RETURN(parts.journal,
                      Journal::Open(options.cache_dir, options.cache_mib * (int64_t{1} << 20)));
  parts.source->UseCache(*parts.journal);
  ServiceOptions service;
  service.queue_limit = static_cast<size_t>(options.queue);
  service.compile_threads =
      options.jobs > 0 ? options.jobs
                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  service.look_ahead = static_cast<size_t>(service.compile_threads) + 2;
  KS_ASSIGN_OR_RETURN(
      parts.service,
      EvaluationService::Start(service, {*parts.source, *parts.journal, parts.clock, FindTask}));
  ApiOptions api;
  api.token = token;
  api.version = kVersion;
  api.tasks_json = TasksJson(tasks);
  api.rate_per_s = options.rate;
  api.rate_burst = std::max(1.0, 2 * options.rate);
  parts.api = std::make_unique<ServiceApi>(api, *parts.service, parts.clock);
  KS_ASSIGN_OR_RETURN(parts.server, HttpServer::Start(ServerOptions(options), parts.api->Hooks()));
  parts.api->SetConnectionCount([server = parts.server.get()] { return server->connections(); });
  return {};
}

void WaitFor(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait(lock, stop, [] { return false; });
}

}  // namespace

int Serve(const ServeOptions& options, const Console& console) {
  const InterruptGuard interrupt("\nksmith: ended at once; accepted evaluations are kept\n");
  OpenService parts;
  if (const Status opened = Open(options, parts); !opened.ok()) return console.Fail(opened.error());
  std::vector<std::string> names;
  for (const ServedDevice& device : parts.service->devices()) names.push_back(device.id);
  const bool v6 = options.bind.find(':') != std::string::npos;
  console.Out(fmt::format("ksmith: serving {} at http://{}{}{}:{}, cache {}\n", Join(names, ", "),
                          v6 ? "[" : "", options.bind, v6 ? "]" : "", parts.server->port(),
                          options.cache_dir));
  const int64_t taken_up = parts.service->stats().taken_up;
  if (taken_up > 0) console.Out(fmt::format("ksmith: going on with {} evaluations\n", taken_up));
  WaitFor(interrupt.token());
  console.Out("ksmith: shutting down; what runs may finish\n");
  parts.service->Drain(options.grace_s);
  parts.server->Stop(kCloseSeconds);
  console.Out(fmt::format("ksmith: stopped; {} evaluations wait for the next start\n",
                          parts.service->stats().queued));
  return kExitFine;
}

}  // namespace ks
