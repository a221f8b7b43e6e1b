// Members for tests of the archive.
#ifndef KS_TESTS_ARCHIVE_MEMBERS_H_
#define KS_TESTS_ARCHIVE_MEMBERS_H_

#include <memory>
#include <string>
#include <utility>

#include "core/archive.h"

namespace ks {

// Builds one member; every field has a default that a test changes.
class Make {
 public:
  Make(CandidateId id, CandidateId parent) {
    member_.id = id;
    member_.parent = parent;
    member_.step = id;
    member_.source = "source " + std::to_string(id);
    member_.skill = parent == kNoCandidate ? "seed" : "edit";
    Speedup(1.0);
  }
  Make& Island(int island) {
    member_.island = island;
    return *this;
  }
  Make& Skill(std::string skill) {
    member_.skill = std::move(skill);
    return *this;
  }
  // The cell with this many loops (1 to 5) and vector bits.
  Make& Cell(int loops, int vector_bits = 0) {
    member_.evaluation.features.loop_depth = loops;
    member_.evaluation.features.vector_bits = vector_bits;
    return *this;
  }
  Make& Device(const DeviceFeatures& features) {
    member_.evaluation.device = features;
    return *this;
  }
  // Interval of +-`width`.
  Make& Speedup(double mid, double width = 0.01) {
    Measured measured;
    measured.speedup = {mid * (1 - width), mid, mid * (1 + width)};
    member_.evaluation.outcome = measured;
    return *this;
  }
  Make& SignificantGain() {
    std::get<Measured>(member_.evaluation.outcome).gain_significant = true;
    return *this;
  }
  Make& Failed(Outcome outcome) {
    member_.evaluation.outcome = std::move(outcome);
    return *this;
  }
  operator MemberPtr() const { return std::make_shared<const Member>(member_); }  // NOLINT

 private:
  Member member_;
};

}  // namespace ks

#endif  // KS_TESTS_ARCHIVE_MEMBERS_H_
