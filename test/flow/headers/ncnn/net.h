// What sample/run.cpp calls, declared as Tencent/ncnn does: src/net.h, src/mat.h, src/option.h
#pragma once
#include <cstddef>

namespace ncnn {
class Mat {
 public:
  enum PixelType { PIXEL_RGB = 1, PIXEL_BGR = 2, PIXEL_GRAY = 3, PIXEL_RGB2BGR = PIXEL_RGB | (PIXEL_BGR << 16) };
  Mat();
  explicit Mat(int w, size_t elemsize = 4u);
  Mat(int w, int h, size_t elemsize = 4u);
  Mat(int w, int h, int c, size_t elemsize = 4u);
  static Mat from_pixels(const unsigned char *pixels, int type, int w, int h);
  void substract_mean_normalize(const float *mean_vals, const float *norm_vals);
  void fill(float v);
  Mat reshape(int w) const;
  Mat channel(int c);
  float *row(int y);
  const float &operator[](size_t i) const;
  int w, h, d, c;
};
struct Option {
  int num_threads;
};
class Extractor {
 public:
  int input(const char *blob_name, const Mat &in);
  int extract(const char *blob_name, Mat &feat, int type = 0);
};
class Net {
 public:
  Option opt;
  int load_param(const char *protopath);
  int load_model(const char *modelpath);
  Extractor create_extractor() const;
  void clear();
};
}  // namespace ncnn
