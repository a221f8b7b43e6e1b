// The roofline of one call on an accelerator: the floor that no honest kernel beats, and what binds
// a kernel. Pure functions.
#ifndef KS_MEASURE_DEVICE_ROOFLINE_H_
#define KS_MEASURE_DEVICE_ROOFLINE_H_

#include <string>

#include "core/evaluation.h"
#include "core/machine.h"
#include "core/task.h"
#include "measure/roofline.h"

namespace ks {

// An event pair around an empty kernel shows two to three microseconds; further launches of the
// same call overlap a part of that.
inline constexpr double kFirstLaunchFloorNs = 1000;
inline constexpr double kNextLaunchFloorNs = 300;
// The measured copy speed lies some 10 % below what the memory could do.
inline constexpr double kFloorBandwidthSlack = 1.3;
// What fits the last-level cache may be written there, or read from there after an imperfect flush.
inline constexpr double kFloorCachedBandwidth = 6.0;  // times the copy speed
// Where the driver says nothing of tensor cores.
inline constexpr double kFloorTensorOverF32 = 20.0;
// Below this share of the ceiling, a device that is not filled is the reason.
inline constexpr double kStarvedFraction = 0.40;
inline constexpr double kLowOccupancy = 0.20;

// Shortest believable time of one call with `launches` steps, nanoseconds. A CPU seen through
// OpenCL has the floor of all its cores. Never 0 on a GPU.
double DeviceFloorNs(const Cost& cost, const Machine& machine, int launches);

// Where a time lies under the device's ceilings, for a task that allows `precision` ("f32", "tf32",
// "bf16", "f16"). "latency": far below both because the device is not filled (few blocks, low
// occupancy), or nearer than a tenth to neither ceiling.
RooflinePlace PlaceOnDevice(const Cost& cost, const Machine& machine, const std::string& precision,
                            const DeviceFeatures& features, double median_ns);

// The same with what it was made from: bytes and operations of the task, resources of the code, and
// which of them keeps more warps from being resident.
DeviceProfile ProfileFromModel(const Cost& cost, const Machine& machine,
                               const std::string& precision, const DeviceFeatures& features,
                               double median_ns);

}  // namespace ks

#endif  // KS_MEASURE_DEVICE_ROOFLINE_H_
