#include "evaluate/torch/module_task.h"

#include <cctype>
#include <string_view>

#include "backend/torch/module_backend.h"
#include "base/hash.h"

namespace ks {
namespace {

constexpr std::string_view kModel = "Model";
constexpr std::string_view kEntry = "ModelNew";

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// "tasks/torch/level1/softmax.py" gives "softmax"; what no name of a folder should hold becomes
// '_'.
std::string NameOf(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  if (name.ends_with(".py")) name.resize(name.size() - 3);
  for (char& c : name) {
    if (!IsWord(c) && c != '-' && c != '.') c = '_';
  }
  return name.empty() || name.front() == '.' ? "module" + name : name;
}

// The value of a line PRECISION = "tf32", as tasks name it; the gate refuses what is none.
std::string PrecisionOf(const std::string& text) {
  const size_t line = text.find("\nPRECISION");
  if (line == std::string::npos) return "f32";
  const size_t quote = text.find_first_of("\"'\n", line + 1);
  if (quote == std::string::npos || text[quote] == '\n') return "f32";
  const size_t end = text.find(text[quote], quote + 1);
  const std::string value = text.substr(quote + 1, end - quote - 1);
  if (value == "fp32") return "f32";
  return value == "fp16" ? "f16" : value;
}

}  // namespace

std::string EagerSeed(const std::string& module) {
  std::string seed;
  size_t done = 0;
  for (size_t at = module.find(kModel); at != std::string::npos; at = module.find(kModel, at)) {
    const size_t end = at + kModel.size();
    const bool word = (at == 0 || (!IsWord(module[at - 1]) && module[at - 1] != '.')) &&
                      (end == module.size() || !IsWord(module[end]));
    seed.append(module, done, at - done);
    seed += word ? kEntry : kModel;
    done = at = end;
  }
  return seed.append(module, done);
}

std::string TorchCompiled(const std::string& module) {
  return EagerSeed(module) + R"(

import os

os.environ.setdefault("USER", "nobody")  # torch asks for it, and the sandbox has no list of users

import torch._inductor.config

torch._inductor.config.compile_threads = 1
ModelNew.forward = torch.compile(ModelNew.forward, dynamic=False)
)";
}

Task ModuleTask(const ModuleSource& module, const std::vector<ModuleSource>& seeds) {
  Task task;
  task.name = NameOf(module.file);
  task.summary = "a PyTorch module";
  task.precision = PrecisionOf(module.text);
  task.entry = kEntry;
  task.reference_file = module.file;
  task.reference_source = module.text;
  task.workloads = {{"module", {}, WorkloadRole::kTime, ""},
                    {"module, secret inputs", {}, WorkloadRole::kCheck, ""}};
  task.seeds.push_back({kTorchBackend, module.file, EagerSeed(module.text)});
  for (const ModuleSource& seed : seeds) {
    task.seeds.push_back({kTorchBackend, seed.file, seed.text});
  }
  task.hash = Sha256Hex("ksmith torch module 1;" + module.text);
  task.origin = module.file;
  return task;
}

}  // namespace ks
