// tensorflow/tflite-micro: tensorflow/compiler/mlir/lite/schema/schema_generated.h
#pragma once

namespace tflite {
struct Model;
const Model *GetModel(const void *buf);
}  // namespace tflite
