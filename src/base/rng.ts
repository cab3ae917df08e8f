// Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), integer operations only, so equal on every engine.

export interface Rng {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number
  /** Integer in [0, n). */
  below(n: number): number
  /** Approximately N(0, 1): sum of twelve uniforms (Irwin-Hall), no transcendental function. */
  normal(): number
  /** A generator of its own for a named purpose. */
  fork(name: string): Rng
}

export function createRng(seed: number, stream = ''): Rng {
  let h = 0x9e3779b9 ^ seed
  for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x85ebca6b)
  let a = seed | 0
  let b = h | 0
  let c = 0x243f6a88
  let counter = 1
  const next = (): number => {
    const t = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) next()
  const uniform = (): number => next() / 4294967296
  return {
    uniform,
    below: n => Math.floor(uniform() * n),
    normal: () => {
      let sum = -6
      for (let i = 0; i < 12; i++) sum += uniform()
      return sum
    },
    fork: name => createRng(seed, `${stream}/${name}`),
  }
}
