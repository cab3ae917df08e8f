// What sample/run.cpp calls, declared as microsoft/onnxruntime does: include/onnxruntime/core/session/onnxruntime_cxx_api.h
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };

namespace Ort {
struct AllocatorWithDefaultOptions {
  operator struct OrtAllocator *();
};
struct TensorTypeAndShapeInfo {
  size_t GetElementCount() const;
};
struct Value {
  explicit Value(std::nullptr_t);
  Value(Value &&) = default;
  Value &operator=(Value &&) = default;
  Value(const Value &) = delete;
  template <typename T>
  static Value CreateTensor(OrtAllocator *allocator, const int64_t *shape, size_t shape_len);
  template <typename T>
  T *GetTensorMutableData();
  template <typename T>
  const T *GetTensorData() const;
  TensorTypeAndShapeInfo GetTensorTypeAndShapeInfo() const;
};
struct RunOptions {
  explicit RunOptions(std::nullptr_t);
};
struct SessionOptions {
  SessionOptions();
  SessionOptions &AddConfigEntry(const char *config_key, const char *config_value);
};
struct Env {
  explicit Env(OrtLoggingLevel level, const char *logid);
};
struct Session {
  Session(const Env &env, const char *model_path, const SessionOptions &options);
  std::vector<Value> Run(const RunOptions &run_options, const char *const *input_names, const Value *input_values,
                         size_t input_count, const char *const *output_names, size_t output_count);
};
}  // namespace Ort
