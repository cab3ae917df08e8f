// What sample/main.cc calls, declared as tensorflow/tflite-micro does: tensorflow/lite/micro/micro_interpreter.h, tensorflow/lite/c/common.h
#pragma once
#include <cstddef>
#include <cstdint>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType { kTfLiteNoType = 0, kTfLiteFloat32 = 1, kTfLiteUInt8 = 3, kTfLiteInt8 = 9 };
struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};
union TfLitePtrUnion {
  float *f;
  char *raw;
  uint8_t *uint8;
  int8_t *int8;
};
struct TfLiteTensor {
  TfLiteType type;
  TfLitePtrUnion data;
  TfLiteQuantizationParams params;
  size_t bytes;
};

namespace tflite {
struct Model;
class MicroOpResolver {};
class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver, uint8_t *tensor_arena, size_t tensor_arena_size);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor *input(size_t index);
  TfLiteTensor *output(size_t index);
  size_t arena_used_bytes() const;
};
}  // namespace tflite
