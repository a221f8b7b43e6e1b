#include "backend/cpu/elf_image.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/hash.h"

namespace ks {
namespace {

constexpr int64_t kStartFilesStatics = 16;  // __dso_handle and completed.0
constexpr size_t kMaxSections = 4096;
constexpr size_t kMaxSymbols = 1 << 20;

Error Malformed(std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("malformed shared object: {}", what)};
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Result<ElfImage> Read() {
    KS_RETURN_IF_ERROR(ReadSections());
    ElfImage image;
    image.code_hash = Hash();
    for (const Elf64_Shdr& section : sections_) {
      const std::string_view name = Name(section);
      const auto size = static_cast<int64_t>(std::min<uint64_t>(section.sh_size, 1ULL << 40));
      if (name == ".text") image.text_bytes = size;
      if (name == ".data" || name == ".bss") image.static_bytes += size;
      if (section.sh_type == SHT_DYNAMIC) ReadLibraries(section, &image);
      if (section.sh_type == SHT_DYNSYM) ReadImports(section, &image);
    }
    image.static_bytes = std::max<int64_t>(0, image.static_bytes - kStartFilesStatics);
    return image;
  }

 private:
  std::optional<std::string_view> Slice(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    return bytes_.substr(offset, size);
  }

  template <typename T>
  std::optional<T> At(uint64_t offset) const {
    const auto slice = Slice(offset, sizeof(T));
    if (!slice) return std::nullopt;
    T value;
    std::memcpy(&value, slice->data(), sizeof value);
    return value;
  }

  static std::string_view TextAt(std::string_view table, uint64_t offset) {
    if (offset >= table.size()) return {};
    const std::string_view rest = table.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

  Status ReadSections() {
    const auto header = At<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
      return Malformed("no header");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
        header->e_type != ET_DYN || header->e_shentsize != sizeof(Elf64_Shdr)) {
      return Malformed("not an x86-64 shared object");
    }
    if (header->e_shnum == 0 || header->e_shnum > kMaxSections) return Malformed("section count");
    for (size_t i = 0; i < header->e_shnum; ++i) {
      const auto section = At<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
      if (!section) return Malformed("section table");
      if (section->sh_type != SHT_NOBITS && !Slice(section->sh_offset, section->sh_size)) {
        return Malformed("section beyond the end");
      }
      sections_.push_back(*section);
    }
    if (header->e_shstrndx >= sections_.size()) return Malformed("no section names");
    names_ = Content(sections_[header->e_shstrndx]);
    return {};
  }

  std::string_view Content(const Elf64_Shdr& section) const {
    if (section.sh_type == SHT_NOBITS) return {};
    return Slice(section.sh_offset, section.sh_size).value_or(std::string_view());
  }

  std::string_view Name(const Elf64_Shdr& section) const { return TextAt(names_, section.sh_name); }

  std::string Hash() const {
    std::string all;
    for (const Elf64_Shdr& section : sections_) {
      if ((section.sh_flags & SHF_ALLOC) == 0 || section.sh_type == SHT_NOTE) continue;
      all += fmt::format("{} {} {}\n", Name(section), section.sh_addr, section.sh_size);
      all += Content(section);
    }
    return Sha256Hex(all);
  }

  std::string_view Strings(const Elf64_Shdr& section) const {
    return section.sh_link < sections_.size() ? Content(sections_[section.sh_link])
                                              : std::string_view();
  }

  void ReadLibraries(const Elf64_Shdr& section, ElfImage* image) const {
    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= section.sh_size; at += sizeof(Elf64_Dyn)) {
      const auto entry = At<Elf64_Dyn>(section.sh_offset + at);
      if (!entry || entry->d_tag == DT_NULL || image->libraries.size() > 64) return;
      if (entry->d_tag != DT_NEEDED) continue;
      image->libraries.emplace_back(TextAt(Strings(section), entry->d_un.d_val));
    }
  }

  void ReadImports(const Elf64_Shdr& section, ElfImage* image) const {
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = At<Elf64_Sym>(section.sh_offset + at);
      if (!symbol || image->imports.size() > kMaxSymbols) return;
      const std::string_view name = TextAt(Strings(section), symbol->st_name);
      if (symbol->st_shndx == SHN_UNDEF && !name.empty()) image->imports.emplace_back(name);
    }
  }

  std::string_view bytes_;
  std::vector<Elf64_Shdr> sections_;
  std::string_view names_;
};

}  // namespace

Result<ElfImage> ReadElfImage(std::string_view bytes) { return Reader(bytes).Read(); }

}  // namespace ks
