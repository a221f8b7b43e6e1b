#include "evaluate/torch/module_pool.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ks {
namespace {

using Json = nlohmann::json;

// A context and the libraries' handles, on a machine that is busy.
constexpr double kWarmTimeoutS = 60;

// Hosts that all import torch at once stand in each other's way, and in everybody's.
int StartsAtOnce() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 2, 8);
}

bool IsReady(const std::future<Result<std::unique_ptr<ModuleCandidate>>>& spare) {
  return spare.valid() && spare.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

Result<std::unique_ptr<ModuleChild>> StartModule(std::shared_ptr<ModuleHost>& host, ModuleRole role,
                                                 int64_t memory_bytes, const Sandbox& sandbox,
                                                 const PythonEnvironment& python,
                                                 const ModuleDevice& device, std::stop_token stop) {
  if (host != nullptr) {
    auto child = host->Start(role, memory_bytes, stop);
    if (child.ok() || child.error().code != ErrorCode::kUnavailable) return child;
  }
  KS_ASSIGN_OR_RETURN(host, ModuleHost::Create(sandbox, python, device, stop));
  return host->Start(role, memory_bytes, std::move(stop));
}

ModulePool::ModulePool(const Sandbox& sandbox, const PythonEnvironment& python,
                       const ModuleDevice& device, int64_t memory_bytes, int first, QuietGate& gate)
    : sandbox_(sandbox),
      python_(python),
      device_(device),
      memory_bytes_(memory_bytes),
      gate_(gate),
      starting_(StartsAtOnce()),
      rng_(std::random_device()()) {
  if (!device_.is_cuda()) return;
  for (int i = 0; i < first; ++i) GetReady(places_.emplace_back(), nullptr);
}

ModulePool::~ModulePool() { stop_.request_stop(); }  // futures wait for what they began

void ModulePool::Allow(int more) {
  {
    const std::lock_guard lock(mutex_);
    allowed_ += more;
  }
  idle_.notify_all();
}

ModulePool::Place* ModulePool::AwaitIdle(const std::stop_token& stop) {
  std::vector<Place*> idle, soon, ready;
  const auto look = [&] {
    idle.clear(), soon.clear(), ready.clear();
    if (taken_ >= allowed_) return false;
    for (Place& place : places_) {
      if (place.taken) continue;
      idle.push_back(&place);
      if (place.spare.valid()) soon.push_back(&place);
      if (IsReady(place.spare)) ready.push_back(&place);
    }
    return true;
  };
  std::unique_lock lock(mutex_);
  if (!idle_.wait(lock, stop, look)) return nullptr;
  if (idle.empty()) idle.push_back(&places_.emplace_back());
  const std::vector<Place*>& choice = !ready.empty() ? ready : !soon.empty() ? soon : idle;
  Place* const place = choice[rng_.Below(choice.size())];
  place->taken = true;
  ++taken_;
  return place;
}

Result<std::unique_ptr<ModuleCandidate>> ModulePool::Take(const std::string& workload,
                                                          std::stop_token stop) {
  Place* const place = AwaitIdle(stop);
  if (place == nullptr) return Error{ErrorCode::kCancelled, "stopped while a module waited"};
  if (device_.is_cuda() && !place->spare.valid()) GetReady(*place, nullptr);
  Ready ready = place->spare.valid() ? place->spare.get() : Start(*place, stop);
  if (!ready.ok() && !stop.stop_requested()) ready = Start(*place, stop);
  if (!ready.ok()) {
    GiveBack(*place, nullptr);
    return ready;
  }
  (*ready)->Begin(workload, [this, place](std::unique_ptr<ModuleChild> ended) {
    GiveBack(*place, std::move(ended));
  });
  return ready;
}

ModulePool::Ready ModulePool::Start(Place& place, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, StartModule(place.host, ModuleRole::kCandidate, memory_bytes_,
                                              sandbox_, python_, device_, stop));
  auto candidate = std::make_unique<ModuleCandidate>(std::move(child));
  if (!device_.is_cuda()) return candidate;
  candidate->AllowAnyThreads();
  KS_ASSIGN_OR_RETURN(const ModuleReply reply,
                      candidate->Ask({{"op", "warm"}}, {}, "warm", "compile", kWarmTimeoutS, stop));
  if (const auto* const outcome = std::get_if<Outcome>(&reply)) {
    return Error{ErrorCode::kUnavailable,
                 "the CUDA device cannot be used: " + OutcomeSummary(*outcome)};
  }
  candidate->AllowWhatRuns();
  return candidate;
}

void ModulePool::GetReady(Place& place, std::unique_ptr<ModuleChild> ended) {
  place.spare = std::async(std::launch::async, [this, &place, child = std::move(ended)]() mutable {
    if (child != nullptr) {
      const std::shared_lock busy(gate_);
      child.reset();
    }
    if (place.host == nullptr) {
      starting_.acquire();
      place.host =
          ModuleHost::Create(sandbox_, python_, device_, stop_.get_token()).value_or(nullptr);
      starting_.release();
    }
    const std::shared_lock busy(gate_);
    return Start(place, stop_.get_token());
  });
}

void ModulePool::GiveBack(Place& place, std::unique_ptr<ModuleChild> child) {
  const bool goes_on = device_.is_cuda() && !stop_.stop_requested() && child != nullptr;
  if (!goes_on) child.reset();
  {
    const std::lock_guard lock(mutex_);
    if (goes_on) GetReady(place, std::move(child));
    place.taken = false;
    --taken_;
  }
  idle_.notify_one();
}

}  // namespace ks
