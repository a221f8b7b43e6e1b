#include "backend/compile/cubin.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "backend/compile/ptx_features.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr uint16_t kCudaMachine = 190;
constexpr size_t kMaxSections = 16384;
constexpr size_t kMaxParameters = 1024;
constexpr int64_t kReservedShared = 1024;  // by the system, from sm_90 on

// Attributes of .nv.info sections: a format byte, an attribute byte, two bytes of value or length.
constexpr uint8_t kSizedFormat = 4;
constexpr uint8_t kParameterInfo = 0x17;
constexpr uint8_t kFrameSize = 0x11;
constexpr uint8_t kRegisterCount = 0x2f;

// Functions that code may call without keeping state or starting other code.
constexpr std::string_view kHarmless[] = {"vprintf", "__assertfail", "__nv_"};

Error Malformed(std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("malformed device object: {}", what)};
}

template <typename T>
std::optional<T> At(std::string_view bytes, uint64_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

class CubinReader {
 public:
  explicit CubinReader(std::string_view bytes) : bytes_(bytes) {}

  Result<CubinImage> Read() {
    KS_RETURN_IF_ERROR(ReadSections());
    KS_RETURN_IF_ERROR(ReadSymbols());
    for (const Section& section : sections_) {
      if (section.name == ".nv.info") ReadResources(section.content);
    }
    for (CubinKernel& kernel : image_.kernels) FillKernel(&kernel);
    return std::move(image_);
  }

 private:
  struct Section {
    std::string_view name, content;
    Elf64_Shdr header;
  };

  std::string_view Slice(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return {};
    return bytes_.substr(offset, size);
  }

  static std::string_view TextAt(std::string_view table, uint64_t offset) {
    if (offset >= table.size()) return {};
    const std::string_view rest = table.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

  Status ReadSections() {
    const auto header = At<Elf64_Ehdr>(bytes_, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
      return Malformed("no header");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != kCudaMachine ||
        header->e_shentsize != sizeof(Elf64_Shdr)) {
      return Malformed("not a CUDA object");
    }
    if (header->e_shnum == 0 || header->e_shnum > kMaxSections) return Malformed("section count");
    for (size_t i = 0; i < header->e_shnum; ++i) {
      const auto entry = At<Elf64_Shdr>(bytes_, header->e_shoff + i * sizeof(Elf64_Shdr));
      if (!entry) return Malformed("section table");
      Section section = {{}, {}, *entry};
      if (entry->sh_type != SHT_NOBITS) section.content = Slice(entry->sh_offset, entry->sh_size);
      sections_.push_back(section);
    }
    if (header->e_shstrndx >= sections_.size()) return Malformed("no section names");
    const std::string_view names = sections_[header->e_shstrndx].content;
    for (Section& section : sections_) section.name = TextAt(names, section.header.sh_name);
    return {};
  }

  Status ReadSymbols() {
    for (const Section& section : sections_) {
      if (section.header.sh_type != SHT_SYMTAB) continue;
      if (section.header.sh_link >= sections_.size()) return Malformed("no symbol names");
      const std::string_view names = sections_[section.header.sh_link].content;
      for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.content.size();
           at += sizeof(Elf64_Sym)) {
        const auto symbol = At<Elf64_Sym>(section.content, at);
        symbols_.emplace_back(TextAt(names, symbol->st_name));
        ReadSymbol(*symbol, symbols_.back());
      }
    }
    return {};
  }

  void ReadSymbol(const Elf64_Sym& symbol, std::string_view name) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF) {
      if (type == STT_FUNC && !name.empty()) image_.imports.emplace_back(name);
      return;
    }
    if (symbol.st_shndx >= sections_.size()) return;
    const std::string_view where = sections_[symbol.st_shndx].name;
    if (type == STT_OBJECT && (where == ".nv.global" || where == ".nv.global.init")) {
      image_.writable_globals.emplace_back(name);
    }
    // Device functions have a .text section of their own too, but no .nv.info of their name.
    if (type != STT_FUNC || where != ".text." + std::string(name)) return;
    if (FindSection(".nv.info." + std::string(name)) == nullptr) return;
    CubinKernel kernel;
    kernel.symbol = std::string(name);
    image_.kernels.push_back(std::move(kernel));
  }

  const Section* FindSection(const std::string& name) const {
    const auto found = std::find_if(sections_.begin(), sections_.end(),
                                    [&](const Section& section) { return section.name == name; });
    return found == sections_.end() ? nullptr : &*found;
  }

  // Calls `each` with attribute and payload.
  template <typename Each>
  static void ForAttributes(std::string_view info, Each&& each) {
    while (info.size() >= 4) {
      const auto format = static_cast<uint8_t>(info[0]);
      const auto attribute = static_cast<uint8_t>(info[1]);
      const uint16_t value = *At<uint16_t>(info, 2);
      info.remove_prefix(4);
      if (format != kSizedFormat) continue;
      if (value > info.size()) return;
      each(attribute, info.substr(0, value));
      info.remove_prefix(value);
    }
  }

  void ReadResources(std::string_view info) {
    ForAttributes(info, [&](uint8_t attribute, std::string_view payload) {
      const auto symbol = At<uint32_t>(payload, 0);
      const auto value = At<uint32_t>(payload, 4);
      if (!symbol || !value || *symbol >= symbols_.size()) return;
      if (attribute == kRegisterCount) registers_[symbols_[*symbol]] = *value;
      if (attribute == kFrameSize) frames_[symbols_[*symbol]] = *value;
    });
  }

  void FillKernel(CubinKernel* kernel) {
    if (const auto it = registers_.find(kernel->symbol); it != registers_.end()) {
      kernel->registers = static_cast<int>(std::min<uint32_t>(it->second, 1u << 16));
    }
    if (const auto it = frames_.find(kernel->symbol); it != frames_.end()) {
      kernel->stack_bytes = it->second;
    }
    if (const Section* shared = FindSection(".nv.shared." + kernel->symbol)) {
      const auto bytes =
          static_cast<int64_t>(std::min<uint64_t>(shared->header.sh_size, 1ULL << 32));
      const bool reserved = FindSection(".nv.shared.reserved.0") != nullptr;
      kernel->shared_bytes = std::max<int64_t>(0, bytes - (reserved ? kReservedShared : 0));
    }
    const Section* info = FindSection(".nv.info." + kernel->symbol);
    std::map<uint16_t, uint32_t> parameters;
    ForAttributes(info->content, [&](uint8_t attribute, std::string_view payload) {
      const auto ordinal = At<uint16_t>(payload, 4);
      const auto flags = At<uint32_t>(payload, 8);
      if (attribute != kParameterInfo || !ordinal || !flags) return;
      if (parameters.size() < kMaxParameters) parameters[*ordinal] = *flags >> 18;
    });
    for (const auto& [ordinal, bytes] : parameters) kernel->parameter_bytes.push_back(bytes);
  }

  const std::string_view bytes_;
  std::vector<Section> sections_;
  std::vector<std::string> symbols_;  // by index
  std::map<std::string, uint32_t> registers_, frames_;
  CubinImage image_;
};

}  // namespace

const CubinKernel* CubinImage::Find(std::string_view symbol) const {
  const auto found = std::find_if(kernels.begin(), kernels.end(), [&](const CubinKernel& kernel) {
    return kernel.symbol == symbol;
  });
  return found == kernels.end() ? nullptr : &*found;
}

Result<CubinImage> ReadCubin(std::string_view bytes) { return CubinReader(bytes).Read(); }

std::optional<Rejected> CheckCubin(const CubinImage& image, std::string_view ptx) {
  std::vector<std::string> used;
  for (const std::string& name : image.writable_globals) {
    if (ptx.empty() || PtxRefersTo(ptx, name)) used.push_back(name);
  }
  if (!used.empty()) {
    return Rejected{
        "module_globals",
        fmt::format("the module has writable variables, which would carry state from "
                    "launch to launch: {}; use a scratch buffer or __constant__ ($str: a "
                    "text of printf or assert)",
                    Shorten(Join(used, ", "), 200))};
  }
  for (const std::string& name : image.imports) {
    const bool harmless =
        std::any_of(std::begin(kHarmless), std::end(kHarmless),
                    [&](std::string_view prefix) { return name.starts_with(prefix); });
    if (!harmless) {
      return Rejected{"device_runtime",
                      Shorten(name, 100) + " of the device runtime is not available to candidates"};
    }
  }
  return std::nullopt;
}

}  // namespace ks
