// Numbers as people read them; one place, so that every table and chart agrees.
#ifndef KS_REPORT_NUMBERS_H_
#define KS_REPORT_NUMBERS_H_

#include <string>

#include "core/outcome.h"

namespace ks {

// Digits of a speed-up: "0.97", "12.3", "148".
std::string FormatRatio(double ratio);
// Digits of a gain near one: "1.024", "2.31".
std::string FormatGain(double ratio);
// "12.3x"
std::string FormatSpeedup(double ratio);
// "12.3x [12.1, 12.5]"; "-" when there is none (all zero).
std::string FormatSpeedup(const Interval& interval);
// "1.024x [1.018, 1.031]"; "-" when there is none.
std::string FormatGain(const Interval& interval);
// "8.2 s", "3 min 07 s", "2 h 05 min"
std::string FormatSeconds(double seconds);
// "12.4 %"
std::string FormatPercent(double fraction);

}  // namespace ks

#endif  // KS_REPORT_NUMBERS_H_
