// What device code does, read from its PTX text by the names of instructions.
#ifndef KS_BACKEND_COMPILE_PTX_FEATURES_H_
#define KS_BACKEND_COMPILE_PTX_FEATURES_H_

#include <string_view>

#include "core/evaluation.h"

namespace ks {

// Sets load_bits and the uses_ fields (never back to false). Linear in the text.
void AddPtxFeatures(std::string_view ptx, DeviceFeatures* features);

// True when more than its declaration names a variable.
bool PtxRefersTo(std::string_view ptx, std::string_view name);

}  // namespace ks

#endif  // KS_BACKEND_COMPILE_PTX_FEATURES_H_
