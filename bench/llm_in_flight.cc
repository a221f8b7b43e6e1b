// How near to the ideal many requests in flight come: N threads ask a scripted server that takes
// one second for each answer; the ideal is N answers a second. Server and clients share the
// machine.
//   llm_in_flight [in flight] [rounds]
// Two rows: the client alone, and whole proposals (prompt with skills, answer, edit, checks).
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "propose/llm/http_chat_model.h"
#include "propose/llm/llm_proposer.h"
#include "propose/skills/registry.h"
#include "tests/propose/llm/scripted_model.h"
#include "tests/propose/llm/scripted_server.h"

namespace ks {
namespace {

constexpr double kLatency = 1.0;

// Share of the ideal throughput, in [0, 1].
double Efficiency(int in_flight, int rounds, const std::function<bool(int number)>& ask) {
  std::atomic<int> next = 0, failed = 0;
  const int total = in_flight * rounds;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < in_flight; ++i) {
      threads.emplace_back([&] {
        for (int number = next++; number < total; number = next++) {
          if (!ask(number)) ++failed;
        }
      });
    }
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  if (failed > 0) fmt::print(stderr, "{} of {} requests failed\n", failed.load(), total);
  return failed > 0 ? 0 : kLatency * rounds / spent.count();
}

int Run(int in_flight, int rounds) {
  std::string program = kScaleSource;
  program.replace(program.find("2.0f"), 4, "3.0f");
  ScriptedServer server([&](const HttpRequest&, int) {
    return ScriptedReply{.text = "Rationale: r\n```cpp\n" + program + "```\n", .delay_s = kLatency};
  });
  LlmConfig llm;
  llm.models.resize(1);
  llm.models[0].name = "m";
  llm.models[0].url = server.url();
  llm.retries = 0;
  Budget budget({});
  auto client = NewHttpChatModel(llm.models[0], llm, {}, budget);
  auto for_proposer = NewHttpChatModel(llm.models[0], llm, {}, budget);
  if (!client.ok() || !for_proposer.ok()) return 1;

  const double alone = Efficiency(in_flight, rounds, [&](int number) {
    ChatRequest request;
    request.messages = {{"user", std::string(8192, 'x')}};
    request.seed = static_cast<uint64_t>(number);
    return (*client)->Ask(request, {}).ok();
  });

  std::vector<std::unique_ptr<ChatModel>> models;
  models.push_back(*std::move(for_proposer));
  LlmParts parts;
  parts.config = llm;
  parts.models = std::make_shared<const ModelPool>(std::move(models), llm.models, 0.5);
  auto templates = PromptTemplates::Load(MemoryFileSystem(), "");
  if (!templates.ok()) return 1;
  parts.prompts = std::make_shared<const PromptWriter>(
      std::make_shared<const PromptTemplates>(*std::move(templates)), llm.max_prompt_tokens);
  parts.skills = NotesOfSkills(AllSkills(), AllDeviceSkills());
  LlmProposer proposer(std::move(parts), LlmParts::Kind::kLlm);
  const SampleContext sample;
  const double whole = Efficiency(in_flight, rounds, [&](int number) {
    ProposalContext context = sample.context;
    context.step = number;
    const auto proposal = proposer.Propose(context, {});
    return proposal.ok() && *proposal && !(*proposal)->refused;
  });
  fmt::print(
      "{{\"in_flight\": {}, \"rounds\": {}, \"latency_s\": {}, \"threads_of_machine\": {}, "
      "\"client_share_of_ideal\": {:.4f}, \"proposal_share_of_ideal\": {:.4f}}}\n",
      in_flight, rounds, kLatency, std::thread::hardware_concurrency(), alone, whole);
  return alone > 0 && whole > 0 ? 0 : 1;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) {
  const int in_flight = argc > 1 ? std::atoi(argv[1]) : 256;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 20;
  if (in_flight < 1 || rounds < 1) return 2;
  return ks::Run(in_flight, rounds);
}
