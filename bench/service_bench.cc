// The evaluation service's own overhead: many requests in its queue, an evaluator that costs
// nothing, clients over real sockets. Prints JSON.
//
//   service_bench [requests] [clients] [batch]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "service/api.h"
#include "service/task_json.h"
#include "task/library.h"

namespace ks {
namespace {

using Json = nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

// Judges at once, but only after the gate is open, so that the queue fills.
class InstantRoom final : public EvaluatorSource {
 public:
  InstantRoom() {
    devices_.push_back({"cpu", "cpu", {}, false});
    devices_[0].machine.id = "bench";
  }
  const std::vector<ServedDevice>& devices() const override { return devices_; }
  Result<std::unique_ptr<Evaluator>> Make(const Task& task, size_t,
                                          const EvaluationConfig&) override {
    return std::unique_ptr<Evaluator>(std::make_unique<Instant>(task, *this));
  }
  void Open() { open_.test_and_set(), open_.notify_all(); }
  int64_t timed() const { return timed_; }

 private:
  class Instant final : public Evaluator {
   public:
    Instant(const Task& task, InstantRoom& room) : task_(task), room_(room) {}
    const Task& task() const override { return task_; }
    const Machine& machine() const override { return room_.devices_[0].machine; }
    Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token) override {
      room_.open_.wait(false);
      Evaluation evaluation;
      evaluation.binary_hash = "x";
      Measured measured;
      if (request.stages.time) {
        ++room_.timed_;
        WorkloadTiming timing;
        timing.samples_ns.assign(200, 123456.789);
        measured.timings.assign(2, timing);
      }
      evaluation.outcome = std::move(measured);
      return evaluation;
    }

   private:
    const Task& task_;
    InstantRoom& room_;
  };
  std::vector<ServedDevice> devices_;
  std::atomic_flag open_;
  std::atomic<int64_t> timed_ = 0;
};

double ResidentMib() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * 4096 / (1 << 20);
}

// Milliseconds of the calls of one kind.
class Latencies {
 public:
  void Add(double ms) {
    const std::lock_guard lock(mutex_);
    all_.push_back(ms);
  }
  Json Summary() {
    const std::lock_guard lock(mutex_);
    std::sort(all_.begin(), all_.end());
    const auto at = [&](double share) {
      return all_.empty()
                 ? 0.0
                 : all_[std::min(all_.size() - 1,
                                 static_cast<size_t>(share * static_cast<double>(all_.size())))];
    };
    return {{"calls", all_.size()}, {"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"max_ms", at(1)}};
  }

 private:
  std::mutex mutex_;
  std::vector<double> all_;
};

struct Bench {
  size_t requests = 2000;
  size_t clients = 4;
  size_t batch = 1;
  std::string source;
  std::unique_ptr<HttpClient> client;
  std::vector<std::string> ids;
  std::atomic<int> lost = 0;

  HttpResponse Send(const HttpCall& call, Latencies* latencies) {
    const auto begin = SteadyClock::now();
    Result<HttpResponse> response = client->Send(call, {});
    if (latencies != nullptr) latencies->Add(1000 * SecondsSince(begin));
    if (!response.ok() || response->status / 100 != 2) ++lost;
    return response.ok() ? *std::move(response) : HttpResponse{0, "", "", {}};
  }
  // A kernel of a usual size, different for every request.
  Json Submission(size_t i, const Json& task) const {
    return {{"task", task}, {"source", source + fmt::format("// {}\n", i)}};
  }
  template <typename F>
  void OnClients(size_t count, F work) {
    std::atomic<size_t> next = 0;
    std::vector<std::jthread> threads;
    for (size_t c = 0; c < clients; ++c) {
      threads.emplace_back([&] {
        for (size_t i = next++; i < count; i = next++) work(i);
      });
    }
  }
  void SubmitAll(const Json& task, Latencies& latencies) {
    ids.resize(requests);
    OnClients((requests + batch - 1) / batch, [&](size_t part) {
      Json list = Json::array();
      const size_t end = std::min(requests, (part + 1) * batch);
      for (size_t i = part * batch; i < end; ++i) list.push_back(Submission(i, task));
      HttpCall call{.method = "POST", .target = "/v1/evaluations"};
      call.headers = {{"Content-Type", "application/json"}};
      call.body = batch == 1 ? list[0].dump() : Json{{"evaluations", list}}.dump();
      const Json answer = Json::parse(Send(call, &latencies).body, nullptr, false);
      for (size_t i = part * batch; i < end; ++i) {
        const Json& one = batch == 1 ? answer : answer["evaluations"][i - part * batch];
        ids[i] = one.value("id", "");
      }
    });
  }
};

int Main(int argc, char** argv) {
  Bench bench;
  if (argc > 1) bench.requests = std::stoul(argv[1]);
  if (argc > 2) bench.clients = std::stoul(argv[2]);
  if (argc > 3) bench.batch = std::stoul(argv[3]);
  const std::string folder =
      (std::filesystem::temp_directory_path() / fmt::format("service_bench_{}", ::getpid()))
          .string();
  const TaskLibrary library;
  const Task task = *library.Load("matmul");
  bench.source = task.seeds[0].source;
  while (bench.source.size() < 4000) bench.source += "// a kernel of a usual size\n";
  InstantRoom room;
  SystemClock clock;
  auto journal = *Journal::Open(folder, int64_t{1} << 30);
  auto service = *EvaluationService::Start(
      {.queue_limit = bench.requests + 10},
      {room, *journal, clock, [&](const std::string& name) { return library.Load(name); }});
  ServiceApi api({.version = "bench"}, *service, clock);
  auto server = *HttpServer::Start({}, api.Hooks());
  bench.client =
      *HttpClient::Create(fmt::format("http://127.0.0.1:{}", server->port()), HttpClientOptions{});

  const double before_mib = ResidentMib();
  Latencies submit;
  const auto begin = SteadyClock::now();
  bench.SubmitAll("matmul", submit);
  const double submit_s = SecondsSince(begin);
  const double queued_mib = ResidentMib();
  Latencies look;  // with the whole queue waiting
  bench.OnClients(bench.requests, [&](size_t i) {
    bench.Send({.target = "/v1/evaluations/" + bench.ids[i]}, &look);
  });
  Latencies metrics;
  bench.OnClients(50, [&](size_t) { bench.Send({.target = "/metrics"}, &metrics); });
  const auto opened = SteadyClock::now();
  room.Open();
  bench.OnClients(bench.requests, [&](size_t i) {
    const HttpResponse done = bench.Send(
        {.target = "/v1/evaluations/" + bench.ids[i] + "?wait=60", .timeout_s = 90}, nullptr);
    if (Json::parse(done.body, nullptr, false).value("state", "") != "finished") ++bench.lost;
  });
  const double drain_s = SecondsSince(opened);
  Latencies fetch;  // finished ones, from the disk
  bench.OnClients(bench.requests, [&](size_t i) {
    bench.Send({.target = "/v1/evaluations/" + bench.ids[i]}, &fetch);
  });
  const Json result = {{"requests", bench.requests},
                       {"clients", bench.clients},
                       {"batch", bench.batch},
                       {"lost", bench.lost.load()},
                       {"evaluated", room.timed()},
                       {"submit", submit.Summary()},
                       {"submits_per_s", static_cast<double>(bench.requests) / submit_s},
                       {"look_while_all_wait", look.Summary()},
                       {"metrics", metrics.Summary()},
                       {"finished_per_s", static_cast<double>(bench.requests) / drain_s},
                       {"fetch_finished", fetch.Summary()},
                       {"resident_before_mib", before_mib},
                       {"resident_all_queued_mib", queued_mib},
                       {"resident_after_mib", ResidentMib()}};
  std::printf("%s\n", result.dump(2).c_str());
  server->Stop(1);
  service.reset();
  journal.reset();
  std::filesystem::remove_all(folder);
  const bool whole = bench.lost == 0 && room.timed() == static_cast<int64_t>(bench.requests);
  return whole ? 0 : 1;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) { return ks::Main(argc, argv); }
