// Roundings by name. Each target has its own, and a preview is only one if it rounds the same way.

// Beyond 2^52 a float64 has no fraction: adding and taking away 1.5 * 2^52 rounds half to even, for |x| < 2^51.
const big = 6755399441055744

export const halfEven = (x: number): number => x + big - big

export const clamp = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x)
