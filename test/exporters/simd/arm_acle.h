/* The instructions of Arm's DSP extension that written C uses, in plain C, after their description in the Arm C Language Extensions. */
#include <stdint.h>

static inline int32_t halves(int32_t low, int32_t high) {
  return (int32_t)(((uint32_t)low & 0xffffu) | (uint32_t)high << 16);
}
static inline int32_t low_of(int32_t a) { return (int16_t)(a & 0xffff); }
static inline int32_t high_of(int32_t a) { return a >> 16; }

/* Bytes 0 and 2, each as 16 bits. */
static inline int32_t __sxtb16(int32_t a) { return halves((int8_t)(a & 0xff), (int8_t)((a >> 16) & 0xff)); }
static inline int32_t __ssub16(int32_t a, int32_t b) { return halves(low_of(a) - low_of(b), high_of(a) - high_of(b)); }
static inline int32_t __smlad(int32_t a, int32_t b, int32_t sum) {
  return sum + low_of(a) * low_of(b) + high_of(a) * high_of(b);
}
