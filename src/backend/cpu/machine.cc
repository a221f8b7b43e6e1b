#include "backend/cpu/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxSysfsBytes = 4u << 20;
constexpr std::array<const char*, 2> kCompilerNames = {"g++", "clang++"};
constexpr std::array<const char*, 2> kCompilerFolders = {"/usr/bin/", "/usr/local/bin/"};
// Instruction sets that decide what a compiler emits, as /proc/cpuinfo and -m name them.
constexpr std::array<const char*, 27> kIsaNames = {
    "sse3",     "ssse3",      "sse4_1",   "sse4_2",   "popcnt",     "avx",        "avx2",
    "fma",      "f16c",       "bmi",      "bmi2",     "movbe",      "lzcnt",      "avx512f",
    "avx512dq", "avx512cd",   "avx512bw", "avx512vl", "avx512vnni", "avx512bf16", "avx512fp16",
    "avxvnni",  "avx512vbmi", "vaes",     "gfni",     "clflushopt", "prfchw"};

std::string ReadText(const std::string& path) {
  const PosixFileSystem files;
  const Result<std::string> text = files.Read(path, kMaxSysfsBytes);
  return text.ok() ? *text : std::string();
}

// The value of "key : value" of the first processor.
std::string CpuInfo(const std::string& text, std::string_view key) {
  for (const std::string_view line : Split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && Trim(line.substr(0, colon)) == key) {
      return std::string(Trim(line.substr(colon + 1)));
    }
  }
  return {};
}

std::vector<std::string> ReadIsa(const std::string& cpuinfo) {
  const std::string flags = CpuInfo(cpuinfo, "flags");
  std::set<std::string, std::less<>> present;
  for (const std::string_view word : SplitWords(flags)) present.emplace(word);
  // Names that /proc/cpuinfo spells differently.
  const std::array<std::pair<const char*, const char*>, 6> aliases = {
      {{"pni", "sse3"},
       {"bmi1", "bmi"},
       {"abm", "lzcnt"},
       {"avx512_vnni", "avx512vnni"},
       {"avx512_bf16", "avx512bf16"},
       {"avx_vnni", "avxvnni"}}};
  for (const auto& [spelled, name] : aliases) {
    if (present.contains(spelled)) present.emplace(name);
  }
  if (present.contains("avx512_fp16")) present.emplace("avx512fp16");
  if (present.contains("3dnowprefetch")) present.emplace("prfchw");
  std::vector<std::string> isa;
  for (const char* name : kIsaNames) {
    if (present.contains(name)) isa.emplace_back(name);
  }
  return isa;
}

int64_t ParseCacheSize(std::string_view text) {
  text = Trim(text);
  int64_t unit = 1;
  if (text.ends_with('K')) unit = 1024;
  if (text.ends_with('M')) unit = 1024 * 1024;
  if (unit > 1) text.remove_suffix(1);
  return ParseInt(text).value_or(0) * unit;
}

void ReadCaches(Machine* machine) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    const std::string level(Trim(ReadText(folder + "level")));
    const std::string type(Trim(ReadText(folder + "type")));
    const int64_t bytes = ParseCacheSize(ReadText(folder + "size"));
    if (level == "1" && type == "Data") machine->l1d_bytes = bytes;
    if (level == "2") machine->l2_bytes = bytes;
    if (level == "3") machine->l3_bytes = bytes;
  }
}

int UsableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

void ReadSystem(Machine* machine) {
  utsname system = {};
  uname(&system);
  machine->kernel = fmt::format("{} {}", system.sysname, system.release);
  struct sysinfo memory = {};
  if (sysinfo(&memory) == 0) {
    machine->memory_bytes = static_cast<int64_t>(memory.totalram) * memory.mem_unit;
  }
}

// "@name" lines start sections.
std::map<std::string, std::string> Sections(const std::string& text) {
  std::map<std::string, std::string> sections;
  std::string name;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with('@')) {
      name = std::string(line.substr(1));
    } else {
      sections[name] += std::string(line) + "\n";
    }
  }
  return sections;
}

// Versions, the processor's own -march name, and the feature macros of each -march choice.
std::string QuestionScript(const std::vector<Compiler>& found) {
  std::string script = "cd /tmp; : > empty.cc; ";
  for (const Compiler& compiler : found) {
    script += fmt::format("echo '@version {}'; {} -dumpfullversion -dumpversion; ", compiler.name,
                          compiler.path);
  }
  const std::string& path = found.front().path;
  const std::string macros =
      "-dM -E -x c++ empty.cc 2>/dev/null | grep -E '^#define __[A-Z0-9_]+__ 1$'";
  script += fmt::format("echo @native; {} -march=native {}; ", path, macros);
  script += fmt::format(
      "own=$({} -march=native -Q --help=target 2>/dev/null | awk '/^ *-march=/{{print $2; "
      "exit}}'); "
      "for m in $own x86-64-v4 x86-64-v3 x86-64-v2; do echo \"@march $m\"; {} -march=$m {}; done; ",
      path, path, macros);
  script += "echo @own; echo $own";
  return script;
}

Result<std::map<std::string, std::string>> AskCompilers(const Sandbox& sandbox,
                                                        const std::vector<Compiler>& found) {
  SandboxSpec spec;
  spec.argv = {"/bin/sh", "-c", QuestionScript(found)};
  spec.env = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=/tmp"};
  spec.capture_output = true;
  spec.tmp_bytes = 16 << 20;
  KS_ASSIGN_OR_RETURN(auto process, sandbox.Start(spec));
  KS_ASSIGN_OR_RETURN(const SandboxExit exit, process->Wait(30, {}));
  return Sections(exit.out);
}

std::set<std::string> Lines(const std::string& text) {
  std::set<std::string> lines;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) lines.emplace(line);
  }
  return lines;
}

// Names whose feature macros are all among those of -march=native, best first.
std::vector<std::string> MarchOptions(const std::map<std::string, std::string>& answers) {
  const auto answer = [&](const std::string& name) {
    const auto it = answers.find(name);
    return it == answers.end() ? std::string() : it->second;
  };
  const std::set<std::string> native = Lines(answer("native"));
  std::vector<std::string> options;
  const std::string own(Trim(answer("own")));
  for (const std::string& name :
       {own, std::string("x86-64-v4"), std::string("x86-64-v3"), std::string("x86-64-v2")}) {
    const std::set<std::string> macros = Lines(answer("march " + name));
    const bool fits = !macros.empty() &&
                      std::includes(native.begin(), native.end(), macros.begin(), macros.end());
    if (fits && std::find(options.begin(), options.end(), name) == options.end()) {
      options.push_back(name);
    }
  }
  return options;
}

std::vector<Compiler> FindCompilers() {
  std::vector<Compiler> found;
  for (const char* name : kCompilerNames) {
    for (const char* folder : kCompilerFolders) {
      const std::string path = std::string(folder) + name;
      if (access(path.c_str(), X_OK) != 0) continue;
      found.push_back({name, path, ""});
      break;
    }
  }
  return found;
}

std::string MachineId(const Machine& machine) {
  const std::string text =
      fmt::format("{}|{}|{}|{}|{}|{}|{}", machine.cpu, Join(machine.isa, ","), machine.l1d_bytes,
                  machine.l2_bytes, machine.l3_bytes, Join(machine.compilers, ","), machine.kernel);
  return Sha256Hex(text).substr(0, 16);
}

}  // namespace

Result<DetectedMachine> DetectMachine(const Sandbox& sandbox) {
  DetectedMachine detected;
  Machine& machine = detected.machine;
  const std::string cpuinfo = ReadText("/proc/cpuinfo");
  machine.cpu = CpuInfo(cpuinfo, "model name");
  machine.cores = UsableCores();
  machine.isa = ReadIsa(cpuinfo);
  const auto has = [&](const char* name) {
    return std::find(machine.isa.begin(), machine.isa.end(), name) != machine.isa.end();
  };
  machine.vector_bits = has("avx512f") ? 512 : has("avx2") ? 256 : 128;
  machine.has_fma = has("fma");
  ReadCaches(&machine);
  ReadSystem(&machine);
  detected.compilers = FindCompilers();
  if (detected.compilers.empty()) {
    return Error{
        ErrorCode::kFailedPrecondition,
        "no C++ compiler: neither g++ nor clang++ is in /usr/bin or /usr/local/bin; install "
        "one (Debian: apt-get install g++)"};
  }
  KS_ASSIGN_OR_RETURN(const auto answers, AskCompilers(sandbox, detected.compilers));
  for (Compiler& compiler : detected.compilers) {
    const auto it = answers.find("version " + compiler.name);
    compiler.version = it == answers.end() ? "" : std::string(Trim(it->second));
    machine.compilers.push_back(compiler.name + " " + compiler.version);
  }
  machine.march_options = MarchOptions(answers);
  machine.id = MachineId(machine);
  return detected;
}

}  // namespace ks
