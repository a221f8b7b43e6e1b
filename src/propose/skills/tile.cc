// Skill tile: blocks one to three perfectly nested loops for the caches.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

using Band = std::vector<const Loop*>;

class TileSkill final : public Skill {
 public:
  std::string name() const override { return "tile"; }
  std::string_view summary() const override {
    return "Run perfectly nested loops tile by tile, so that what a tile touches stays in cache "
           "until it is used again. Pays when an operand is walked several times and exceeds a "
           "cache; costs loop overhead. Tile sizes are parameters to tune.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      if (HasOpenMp(*site.loop) || HasJumps(site.loop->body)) continue;
      for (const Band& band : Bands(site)) {
        edits.push_back({Write(kernel, band),
                         fmt::format("Tile {} {} deep.", Describe(*band[0]), band.size()),
                         EditKind::kStructure, GainOf(site, band)});
      }
    }
    return edits;
  }

 private:
  // Perfect nests starting at the site, two and three deep, whose loops may run in any order.
  static std::vector<Band> Bands(const KernelContext::Site& site) {
    const Dependence dependence = site.function->dependence();
    std::vector<Band> bands;
    Band band = {site.loop};
    if (site.loop->step != "1") return bands;
    while (band.size() < 3) {
      const Loop* next = band.back()->PerfectChild();
      if (next == nullptr || !next->canonical || next->step != "1") break;
      if (!dependence.MayInterchange(*band.back(), *next)) break;
      bool free = true;
      for (const Loop* outer : band) {
        free = free && dependence.BoundsIndependentOf(*next, outer->variable->symbol);
        // Beyond a pair every loop must be free of dependences.
        free = free && (band.size() == 1 || dependence.IsParallel(*outer));
      }
      if (!free) break;
      band.push_back(next);
      bands.push_back(band);
    }
    return bands;
  }

  static double GainOf(const KernelContext::Site& site, const Band& band) {
    // Reuse in an outer loop of what the inner ones walk, or a strided walk of either.
    const std::vector<Access> accesses = InnermostAccesses(*site.function, *band[0]);
    const StrideCount outer = CountStrides(accesses, band[0]->variable->symbol);
    const StrideCount inner = CountStrides(accesses, band.back()->variable->symbol);
    if (inner.strided > 0 || (outer.none > 0 && inner.none < outer.none)) return 1.5;
    return outer.none > 0 ? 1.2 : 1.02;
  }

  static std::string Write(const KernelContext& kernel, const Band& band) {
    Rewriter rewriter(kernel.tree());
    rewriter.AddInclude("algorithm");
    std::vector<std::string> tiles, firsts, ends;
    std::string body = band.back()->BodyText(), bounds;
    for (const Loop* loop : band) {
      tiles.push_back(rewriter.AddTunable("kTile", 64, {8, 16, 32, 64, 128, 256}));
      firsts.push_back(rewriter.FreshName(loop->name() + "_tile"));
      ends.push_back(rewriter.FreshName(loop->name() + "_end"));
      bounds += fmt::format("const {0} {1} = std::min<{0}>({2}, {3} + {4});\n", loop->type,
                            ends.back(), loop->HighText(), firsts.back(), tiles.back());
    }
    for (size_t i = band.size(); i-- > 0;) {
      body = ForText(band[i]->type, band[i]->name(), firsts[i], ends[i], "1", body);
    }
    body = bounds + body;
    for (size_t i = band.size(); i-- > 0;) {
      body = ForText(band[i]->type, firsts[i], band[i]->LowText(), band[i]->HighText(), tiles[i],
                     body);
    }
    rewriter.ReplaceStatement(band[0]->node, body);
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewTileSkill() { return std::make_unique<TileSkill>(); }

}  // namespace ks
