// A model that plays a list of answers and remembers what it was asked; and members to show it.
#ifndef KS_TESTS_PROPOSE_LLM_SCRIPTED_MODEL_H_
#define KS_TESTS_PROPOSE_LLM_SCRIPTED_MODEL_H_

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "propose/llm/llm_proposer.h"

namespace ks {

// Thread-safe. The last answer again and again.
class ScriptedModel final : public ChatModel {
 public:
  ScriptedModel(std::string name, std::vector<Result<ChatAnswer>> answers)
      : name_(std::move(name)), answers_(std::move(answers)) {}
  const std::string& name() const override { return name_; }
  Result<ChatAnswer> Ask(const ChatRequest& request, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return answers_[std::min(requests_.size() - 1, answers_.size() - 1)];
  }
  std::vector<ChatRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const std::string name_;
  const std::vector<Result<ChatAnswer>> answers_;
  mutable std::mutex mutex_;
  std::vector<ChatRequest> requests_;
};

inline ChatAnswer Saying(std::string text, ChatEnd end = ChatEnd::kStop) {
  ChatAnswer answer;
  answer.text = std::move(text);
  answer.end = end;
  answer.use = {100, 7, false};
  answer.cost_usd = 0.01;
  return answer;
}

inline constexpr char kScaleSource[] =
    "// ksmith: flags -O2\n#include <cstdint>\n\nextern \"C\" void scale(const float* x, float* y, "
    "int64_t n) {\n  for (int64_t i = 0; i < n; ++i) {\n    y[i] = 2.0f * x[i];\n  }\n}\n";

inline Task ScaleTask() {
  Task task;
  task.name = "scale";
  task.summary = "y = 2 x";
  task.entry = "scale";
  task.axes = {"n"};
  BufferSpec x;
  x.name = "x";
  x.shape = {"n"};
  BufferSpec y = x;
  y.name = "y";
  task.inputs = {x};
  task.outputs = {y};
  task.workloads = {{"n=1024", {{"n", 1024}}, WorkloadRole::kTime, ""}};
  task.reference_source = "extern \"C\" void scale(const double* x, double* y, int64_t n);";
  return task;
}

inline MemberPtr MemberOf(CandidateId id, CandidateId parent, std::string source, Outcome outcome) {
  auto member = std::make_shared<Member>();
  member->id = id;
  member->parent = parent;
  member->source = std::move(source);
  member->skill = "m";
  member->rationale = "because of " + std::to_string(id);
  member->evaluation.outcome = std::move(outcome);
  return member;
}

inline Measured Speed(double speedup) {
  Measured measured;
  measured.speedup = {speedup * 0.99, speedup, speedup * 1.01};
  measured.gain = measured.speedup;
  measured.gain_significant = speedup > 1;
  measured.bottleneck = "memory";
  WorkloadTiming timing;
  timing.workload = "n=1024";
  timing.median_ns = 1000 / speedup;
  timing.gain = measured.gain;
  timing.roofline_fraction = 0.25;
  measured.timings = {timing};
  return measured;
}

// A context whose parent is the seed; task and machine live in it.
struct SampleContext {
  Task task = ScaleTask();
  Machine machine;
  ProposalContext context;
  SampleContext() {
    machine.cpu = "Test CPU";
    context.task = &task;
    context.machine = &machine;
    context.backend = "cpu";
    context.selection.parent = MemberOf(0, kNoCandidate, kScaleSource, Speed(1));
    context.lineage = {context.selection.parent};
    context.step = 7;
    context.seed = 11;
    context.seen = [](const std::string&) { return false; };
  }
  SampleContext(const SampleContext&) = delete;
  SampleContext& operator=(const SampleContext&) = delete;
};

// Parts around scripted models; what is recorded ends in `exchanges`.
struct SampleParts {
  std::vector<ScriptedModel*> models;
  std::vector<std::string> exchanges;
  LlmParts parts;

  explicit SampleParts(std::vector<std::unique_ptr<ScriptedModel>> scripted,
                       LlmConfig config = {}) {
    std::vector<std::unique_ptr<ChatModel>> all;
    for (auto& model : scripted) {
      models.push_back(model.get());
      config.models.push_back({});
      config.models.back().name = model->name();
      all.push_back(std::move(model));
    }
    parts.models = std::make_shared<const ModelPool>(std::move(all), config.models, 0.5);
    auto templates =
        std::make_shared<const PromptTemplates>(*PromptTemplates::Load(MemoryFileSystem(), ""));
    parts.prompts =
        std::make_shared<const PromptWriter>(std::move(templates), config.max_prompt_tokens);
    parts.config = std::move(config);
    parts.sink = [this](const std::string& json) -> Result<std::string> {
      const std::lock_guard lock(mutex);
      exchanges.push_back(json);
      return "hash" + std::to_string(exchanges.size());
    };
  }
  SampleParts(const SampleParts&) = delete;
  SampleParts& operator=(const SampleParts&) = delete;

 private:
  std::mutex mutex;
};

inline std::vector<std::unique_ptr<ScriptedModel>> OneModel(
    std::vector<Result<ChatAnswer>> answers) {
  std::vector<std::unique_ptr<ScriptedModel>> models;
  models.push_back(std::make_unique<ScriptedModel>("m", std::move(answers)));
  return models;
}

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_LLM_SCRIPTED_MODEL_H_
