// tensorflow/tflite-micro: tensorflow/lite/micro/micro_time.h
#pragma once
#include <cstdint>

namespace tflite {
uint32_t ticks_per_second();
uint32_t GetCurrentTimeTicks();
}  // namespace tflite
