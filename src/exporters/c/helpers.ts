// Small functions that kernels call: fixed-point arithmetic as TensorFlow Lite for Microcontrollers has it (gemmlowp's two roundings).
// Each is written where something calls it.

/** In the order in which they are written. */
export const helpers: readonly { name: string; text: string }[] = [
  {
    name: 'clamp',
    text: `
static int32_t clamp(int32_t x, int32_t low, int32_t high) {
return x < low ? low : x > high ? high : x;
}`,
  },
  {
    name: 'high_multiply',
    text: `
/* a b / 2^31, rounded, ties up. The right shift of a negative number is arithmetic in every compiler that matters. */
static int32_t high_multiply(int32_t a, int32_t b) {
return (int32_t)(((int64_t)a * b + 1073741824) >> 31);
}`,
  },
  {
    name: 'shift_right',
    text: `
/* x / 2^n, rounded, ties away from zero. */
static int32_t shift_right(int32_t x, int n) {
const int32_t mask = (int32_t)((1u << n) - 1u);
return (x >> n) + ((x & mask) > (mask >> 1) + (x < 0));
}`,
  },
  {
    name: 'multiply',
    text: `
/* x multiplier 2^(shift - 31): a real factor in fixed point. */
static int32_t multiply(int32_t x, int32_t multiplier, int shift) {
if (shift > 0) {
return high_multiply((int32_t)((uint32_t)x << shift), multiplier);
}
return shift_right(high_multiply(x, multiplier), -shift);
}`,
  },
  {
    name: 'code',
    text: `
/* A sum as a code of the output. */
static int8_t code(int32_t sum, int32_t multiplier, int shift, int32_t zero, int32_t low, int32_t high) {
return (int8_t)clamp(multiply(sum, multiplier, shift) + zero, low, high);
}`,
  },
  {
    name: 'four',
    text: `
#if defined(MODEL_SIMD) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_NEON)
/* Four bytes as one word. */
static int32_t four(const int8_t *x) {
const uint32_t low = (uint32_t)(uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8;
return (int32_t)(low | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24);
}
#endif`,
  },
  {
    name: 'dot',
    text: `
/* Sum of x[i] w[i]. */
static int32_t dot(const int8_t *x, const int8_t *w, int n) {
int32_t sum = 0;
int i = 0;
#if defined(MODEL_SIMD) && defined(__ARM_NEON)
int32x4_t sums = vdupq_n_s32(0);
for (; i + 8 <= n; i += 8) {
sums = vpadalq_s16(sums, vmull_s8(vld1_s8(x + i), vld1_s8(w + i)));
}
sum = vgetq_lane_s32(sums, 0) + vgetq_lane_s32(sums, 1) + vgetq_lane_s32(sums, 2) + vgetq_lane_s32(sums, 3);
#elif defined(MODEL_SIMD) && defined(__ARM_FEATURE_DSP)
for (; i + 4 <= n; i += 4) {
const int32_t a = four(x + i);
const int32_t b = four(w + i);
sum = __smlad(__sxtb16(a), __sxtb16(b), sum);
sum = __smlad(__sxtb16(a >> 8), __sxtb16(b >> 8), sum);
}
#endif
for (; i < n; i++) {
sum += x[i] * w[i];
}
return sum;
}`,
  },
  {
    name: 'dot_from',
    text: `
/* Sum of (x[i] - zero) w[i]. */
static int32_t dot_from(const int8_t *x, const int8_t *w, int n, int32_t zero) {
int32_t sum = 0;
int i = 0;
#if defined(MODEL_SIMD) && defined(__ARM_NEON)
const int8x8_t zeros = vdup_n_s8((int8_t)zero);
int32x4_t sums = vdupq_n_s32(0);
for (; i + 8 <= n; i += 8) {
const int16x8_t a = vsubl_s8(vld1_s8(x + i), zeros);
const int16x8_t b = vmovl_s8(vld1_s8(w + i));
sums = vmlal_s16(sums, vget_low_s16(a), vget_low_s16(b));
sums = vmlal_s16(sums, vget_high_s16(a), vget_high_s16(b));
}
sum = vgetq_lane_s32(sums, 0) + vgetq_lane_s32(sums, 1) + vgetq_lane_s32(sums, 2) + vgetq_lane_s32(sums, 3);
#elif defined(MODEL_SIMD) && defined(__ARM_FEATURE_DSP)
const int32_t zeros = (int32_t)(((uint32_t)zero & 0xffffu) | (uint32_t)zero << 16);
for (; i + 4 <= n; i += 4) {
const int32_t a = four(x + i);
const int32_t b = four(w + i);
sum = __smlad(__ssub16(__sxtb16(a), zeros), __sxtb16(b), sum);
sum = __smlad(__ssub16(__sxtb16(a >> 8), zeros), __sxtb16(b >> 8), sum);
}
#endif
for (; i < n; i++) {
sum += (x[i] - zero) * w[i];
}
return sum;
}`,
  },
  {
    name: 'int4',
    text: `
/* Two in a byte, the lower half first. */
static int32_t int4(const uint8_t *w, int32_t i) {
return (((w[i >> 1] >> 4 * (i & 1)) & 15) ^ 8) - 8;
}`,
  },
  {
    name: 'dot_int4',
    text: `
/* Sum of (x[i] - zero) times weight at + i. */
static int32_t dot_int4(const int8_t *x, const uint8_t *w, int32_t at, int n, int32_t zero) {
int32_t sum = 0;
for (int i = 0; i < n; i++) {
sum += (x[i] - zero) * int4(w, at + i);
}
return sum;
}`,
  },
  {
    name: 'one_over_one_plus',
    text: `
/* 1 / (1 + a) for a in [0, 1), both in 1 / 2^31: three steps of Newton and Raphson. */
static int32_t one_over_one_plus(int32_t a) {
const int32_t half = (int32_t)(((int64_t)a + 2147483648) / 2);
int32_t x = 1515870810 + high_multiply(half, -1010580540);
for (int i = 0; i < 3; i++) {
x += high_multiply(x, 536870912 - high_multiply(half, x)) * 4;
}
return x > 1073741823 ? 2147483647 : x * 2;
}`,
  },
]

/** Those that `text` calls, and those that these call. */
export function helpersOf(text: string): string[] {
  const wanted = new Set<string>()
  const visit = (code: string): void => {
    for (const { name, text: own } of helpers)
      if (!wanted.has(name) && new RegExp(`\\b${name}\\(`).test(code)) {
        wanted.add(name)
        visit(own)
      }
  }
  visit(text)
  return helpers.filter(h => wanted.has(h.name)).map(h => h.text)
}
