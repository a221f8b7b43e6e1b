// What a piece of code reads and writes: array elements by base and index, scalars by declaration.
#ifndef KS_PROPOSE_CPP_EFFECTS_H_
#define KS_PROPOSE_CPP_EFFECTS_H_

#include <set>
#include <string>
#include <vector>

#include "propose/cpp/function.h"

namespace ks {

// One textual access to an array element. `op` is "" for a read, "=", "+=", ... for a write.
struct Access {
  Node node;
  const Decl* base = nullptr;
  Poly index;
  bool read = false;
  bool write = false;
  std::string op;
};

// One textual use of a scalar (or of a pointer as a value).
struct ScalarUse {
  Node node;
  const Decl* decl = nullptr;
  bool read = false;
  bool write = false;
  std::string op;
};

struct Effects {
  std::vector<Access> accesses;
  std::vector<ScalarUse> scalars;
  std::vector<Node> calls;         // casts left out
  std::set<const Decl*> declared;  // inside the region
  bool understood = true;          // false: it may do anything; see `obstacle`
  std::string obstacle;
  bool jumps_out = false;     // break, return or goto that leaves the region
  bool has_continue = false;  // continue of a loop outside the region

  bool Writes(const Decl* decl) const;
  bool Reads(const Decl* decl) const;
};

// Effects of executing `region` once. Calls of functions of math and of helpers that take no
// pointers count as pure.
Effects EffectsOf(const Function& function, Node region);

// True for names of pure functions of numbers: "exp", "expf", "max", "sqrt", ...
bool IsPureMathCall(const std::string& plain_name);

}  // namespace ks

#endif  // KS_PROPOSE_CPP_EFFECTS_H_
