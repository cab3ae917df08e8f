// Pictures of no thing: leaves of all sizes that hide one another, plain, shaded, striped or speckled. Occlusion gives them what natural
// images have and noise lacks, edges between surfaces at every scale (Lee, Mumford and Huang 2001, "Occlusion Models for Natural Images";
// Baradad et al. 2021, "Learning to See by Looking at Noise"), so that networks answer to them nearly as they do to photographs.
import type { Rng } from '../base/rng.ts'
import type { Pixels } from './codecs.ts'

// Sizes fall with the third power between these shares of the shorter side, so that every scale covers as much; every fourth leaf is large.
const [smallest, largest] = [1 / 64, 0.6]
const most = 400 // leaves
const ground = 1 / 128 // of the picture that may be left uncovered
const grain = 5 // of the sensor's noise, at most

export function deadLeaves(width: number, height: number, rng: Rng): Pixels {
  const side = Math.min(width, height)
  const [least, greatest] = [Math.max(1, side * smallest), Math.max(1, side * largest)]
  const pixels = new Float32Array(width * height * 3)
  const covered = new Uint8Array(width * height)
  const base = [0, 1, 2].map(() => 255 * rng.uniform())
  const contrast = between(rng, 30, 110)
  const openIn = new Int32Array(height).fill(width)
  let open = width * height
  // From the front to the back: a leaf is seen only where none was laid yet.
  for (let leaf = 0; leaf < most && open > ground * covered.length; leaf++) {
    const u = rng.uniform()
    const size =
      leaf % 4 === 3
        ? between(rng, side / 8, side / 2)
        : 1 / Math.sqrt(1 / (least * least) + (1 / (greatest * greatest) - 1 / (least * least)) * u)
    const within = outline(rng, size)
    const [x0, y0] = [width * rng.uniform(), height * rng.uniform()]
    const shade = contrast * rng.normal()
    const colour = base.map(g => clamp(g + shade + 0.6 * contrast * rng.normal()))
    const weights = colour.map(() => between(rng, 0.6, 1.4))
    const texture = textures[rng.below(textures.length)](rng, size, side)
    const reach = 2.2 * size
    for (let y = Math.max(0, Math.floor(y0 - reach)); y < Math.min(height, y0 + reach); y++) {
      if (openIn[y] === 0) continue
      for (let x = Math.max(0, Math.floor(x0 - reach)); x < Math.min(width, x0 + reach); x++) {
        const at = y * width + x
        if (covered[at] || !within(x - x0, y - y0)) continue
        covered[at] = 1
        openIn[y]--
        open--
        const light = texture(x - x0, y - y0)
        for (let c = 0; c < 3; c++) pixels[3 * at + c] = colour[c] + weights[c] * light
      }
    }
  }
  const rgba = new Uint8Array(width * height * 4)
  for (let at = 0; at < covered.length; at++) {
    for (let c = 0; c < 3; c++)
      rgba[4 * at + c] = clamp((covered[at] ? pixels[3 * at + c] : base[c]) + grain * between(rng, -1, 1))
    rgba[4 * at + 3] = 255
  }
  return { width, height, rgba }
}

type Place<T> = (x: number, y: number) => T

const between = (rng: Rng, low: number, high: number): number => low + (high - low) * rng.uniform()
const clamp = (x: number): number => Math.min(255, Math.max(0, x))

/** A direction, by what lies in the unit disc: no trigonometric function. */
function direction(rng: Rng): [number, number] {
  for (;;) {
    const [x, y] = [between(rng, -1, 1), between(rng, -1, 1)]
    const length = Math.sqrt(x * x + y * y)
    if (length > 0.05 && length <= 1) return [x / length, y / length]
  }
}

/** An ellipse, a rectangle or a triangle, turned and drawn out by up to 2. */
function outline(rng: Rng, size: number): Place<boolean> {
  const [cos, sin] = direction(rng)
  const long = between(rng, 1, 2)
  const kind = rng.below(3)
  return (x, y) => {
    const along = (x * cos + y * sin) / long
    const across = (y * cos - x * sin) * long
    if (kind === 0) return along * along + across * across < size * size
    if (kind === 1) return Math.abs(along) < size && Math.abs(across) < size
    return across > -size && across + 2 * Math.abs(along) < size
  }
}

/** Light over a leaf, to be added to its colour. */
const textures: readonly ((rng: Rng, size: number, side: number) => Place<number>)[] = [
  () => () => 0,
  (rng, size) => {
    const by = between(rng, 5, 60) / size
    const [dx, dy] = [by * rng.normal(), by * rng.normal()]
    return (x, y) => dx * x + dy * y
  },
  (rng, _, side) => {
    const period = between(rng, 2, Math.max(4, side / 4))
    const [cos, sin] = direction(rng)
    const by = between(rng, 5, 80)
    const start = rng.uniform()
    // A triangle wave.
    return (x, y) => {
      const turn = (x * cos + y * sin) / period + start
      return by * (4 * Math.abs(turn - Math.floor(turn) - 0.5) - 1)
    }
  },
  (rng, _, side) => {
    const by = between(rng, 5, 50)
    const cells = [1, 2, 4, 8].map(n => Math.max(1, side / (8 * n)))
    const seeds = cells.map(() => rng.below(0x7fffffff))
    return (x, y) => by * cells.reduce((sum, cell, i) => sum + lattice(x / cell, y / cell, seeds[i]), 0)
  },
]

/** Random numbers from -1 to 1 at whole places, and straight lines in between. */
function lattice(x: number, y: number, seed: number): number {
  const [i, j] = [Math.floor(x), Math.floor(y)]
  const [u, v] = [x - i, y - j]
  const top = at(i, j, seed) * (1 - u) + at(i + 1, j, seed) * u
  const bottom = at(i, j + 1, seed) * (1 - u) + at(i + 1, j + 1, seed) * u
  return top * (1 - v) + bottom * v
}

function at(i: number, j: number, seed: number): number {
  let h = Math.imul(i, 0x27d4eb2d) ^ Math.imul(j, 0x165667b1) ^ seed
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1
}
