/* The NEON instructions that written C uses, in plain C, after their description in the Arm NEON intrinsics reference. */
#include <stdint.h>

typedef struct { int8_t v[8]; } int8x8_t;
typedef struct { int16_t v[4]; } int16x4_t;
typedef struct { int16_t v[8]; } int16x8_t;
typedef struct { int32_t v[4]; } int32x4_t;

static inline int32x4_t vdupq_n_s32(int32_t a) {
  const int32x4_t r = {{a, a, a, a}};
  return r;
}
static inline int8x8_t vdup_n_s8(int8_t a) {
  const int8x8_t r = {{a, a, a, a, a, a, a, a}};
  return r;
}
static inline int8x8_t vld1_s8(const int8_t *p) {
  int8x8_t r;
  for (int i = 0; i < 8; i++) r.v[i] = p[i];
  return r;
}
static inline int16x8_t vmovl_s8(int8x8_t a) {
  int16x8_t r;
  for (int i = 0; i < 8; i++) r.v[i] = a.v[i];
  return r;
}
static inline int16x8_t vmull_s8(int8x8_t a, int8x8_t b) {
  int16x8_t r;
  for (int i = 0; i < 8; i++) r.v[i] = (int16_t)(a.v[i] * b.v[i]);
  return r;
}
static inline int16x8_t vsubl_s8(int8x8_t a, int8x8_t b) {
  int16x8_t r;
  for (int i = 0; i < 8; i++) r.v[i] = (int16_t)(a.v[i] - b.v[i]);
  return r;
}
static inline int16x4_t vget_low_s16(int16x8_t a) {
  const int16x4_t r = {{a.v[0], a.v[1], a.v[2], a.v[3]}};
  return r;
}
static inline int16x4_t vget_high_s16(int16x8_t a) {
  const int16x4_t r = {{a.v[4], a.v[5], a.v[6], a.v[7]}};
  return r;
}
static inline int32x4_t vmlal_s16(int32x4_t sum, int16x4_t a, int16x4_t b) {
  for (int i = 0; i < 4; i++) sum.v[i] += a.v[i] * b.v[i];
  return sum;
}
static inline int32x4_t vpadalq_s16(int32x4_t sum, int16x8_t a) {
  for (int i = 0; i < 4; i++) sum.v[i] += a.v[2 * i] + a.v[2 * i + 1];
  return sum;
}
static inline int32_t vgetq_lane_s32_of(int32x4_t a, int lane) { return a.v[lane]; }
#define vgetq_lane_s32(a, lane) vgetq_lane_s32_of(a, lane)
