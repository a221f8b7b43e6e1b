// The two sides of an evaluation of a module, each a process to talk to.
#ifndef KS_EVALUATE_TORCH_MODULE_SIDES_H_
#define KS_EVALUATE_TORCH_MODULE_SIDES_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "backend/torch/module_host.h"
#include "core/outcome.h"
#include "evaluate/torch/module_talk.h"

namespace ks {

// What a process said, or the end of the candidate.
using ModuleReply = std::variant<nlohmann::json, Outcome>;

// The trusted side. Errors and silence there are the module's fault: Errors. Single thread.
class ModuleReference {
 public:
  ModuleReference(std::unique_ptr<ModuleChild> child, std::string file)
      : child_(std::move(child)), file_(std::move(file)) {}

  // Problems are values here: the gate reports them.
  Result<ModuleAnswer> Ask(const nlohmann::json& message, const std::string& wanted,
                           std::stop_token stop);
  // ERRORS: kInvalidArgument for whatever is not an answer.
  Result<nlohmann::json> MustAnswer(const nlohmann::json& message, const std::string& wanted,
                                    std::stop_token stop);
  // The same while a candidate holds memory of the device: when there is none left for this side,
  // it is out of memory.
  Result<ModuleReply> AskBeside(const nlohmann::json& message, const std::string& wanted,
                                const std::string& stage, std::stop_token stop);
  // The files that came with the last answer. ERRORS: kInternal when there are not `count`.
  Result<std::vector<UniqueFd>> TakeFiles(size_t count);
  std::string FaultOf(const ModuleAnswer& answer) const;

  nlohmann::json init;    // arguments of the constructor
  nlohmann::json chosen;  // its sizes

 private:
  std::unique_ptr<ModuleChild> child_;
  const std::string file_;
};

// The hostile side: everything that goes wrong is an Outcome. Also our own runner. Single thread.
class ModuleCandidate {
 public:
  using GiveBack = std::function<void(std::unique_ptr<ModuleChild>)>;

  explicit ModuleCandidate(std::unique_ptr<ModuleChild> child, std::string workload = "")
      : child_(std::move(child)), workload_(std::move(workload)) {}
  ~ModuleCandidate() { End(); }
  ModuleCandidate(const ModuleCandidate&) = delete;
  ModuleCandidate& operator=(const ModuleCandidate&) = delete;

  // Serves from here on; `workload` is for messages, `give_back` takes the process at the end.
  void Begin(std::string workload, GiveBack give_back) {
    workload_ = std::move(workload);
    give_back_ = std::move(give_back);
  }

  // `stage` is for messages. When it has answered, nothing may run beside it.
  Result<ModuleReply> Ask(const nlohmann::json& message, std::span<const int> files,
                          const std::string& wanted, const std::string& stage, double timeout_s,
                          std::stop_token stop);
  // What runs now is the device's and no fault.
  void AllowWhatRuns() { allowed_threads_ = child_->Census().threads, census_ = true; }
  // Nothing is counted: before the device is ready, and for our own runner.
  void AllowAnyThreads() { census_ = false; }
  // Lets go of what its calls needed, to serve again later. False: it cannot be kept.
  bool Rest(std::stop_token stop);
  // Stops it where it is, or lets it go on. What it left running beside it is found then, too: the
  // next answer is no good.
  void Pause(bool paused);
  // The last thing. A host that ends with it is replaced by the next start.
  void End();
  const std::string& workload() const { return workload_; }

 private:
  std::unique_ptr<ModuleChild> child_;  // null: at its end
  std::string workload_;
  GiveBack give_back_;
  int allowed_threads_ = 1;
  bool census_ = true;
  bool paused_ = false;
  std::optional<Outcome> company_;  // what was found when it was stopped
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_SIDES_H_
