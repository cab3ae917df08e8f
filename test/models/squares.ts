// A detector and a segmenter whose answers can be told by hand, and pictures with labels for both: squares of red and of blue, 16
// pixels wide, on a background of greys.
import { utf8 } from '../../src/base/bytes.ts'
import { png } from '../data/png.ts'

const size = 64
const side = 16

/**
 * CenterNet's three maps: how red, and how blue, a window of 15 pixels is; all squares are 4 cells of 4 pixels wide. The two layers in
 * front are there to be rounded.
 */
export const detector = `
graph (image: f32[1,3,64,64]) -> (hm: f32[1,2,16,16], wh: f32[1,2,16,16], reg: f32[1,2,16,16]) {
  c1 = Conv(image, w1: f32[2,3,1,1]{1, -0.8, -0.6, -0.6, -0.8, 1}, b1: f32[2]{0}) {}
  r1 = Relu(c1)
  p = AveragePool(r1) {kernel_shape=[15,15], pads=[7,7,7,7], strides=[4,4], count_include_pad=1}
  c2 = Conv(p, w2: f32[2,2,1,1]{30, -4, -4, 30}, b2: f32[2]{-12}) {}
  hm = Sigmoid(c2)
  wh = Conv(p, w3: f32[2,2,1,1]{0}, b3: f32[2]{4}) {}
  reg = Conv(p, w4: f32[2,2,1,1]{0}, b4: f32[2]{0.125}) {}
}`

/** Background, red and blue, pixel by pixel; a fourth class that never comes first, so that three maps are no picture. */
export const segmenter = `
graph (image: f32[1,3,64,64]) -> (classes: f32[1,4,64,64]) {
  c1 = Conv(image, w1: f32[8,3,1,1]{-1..1}, b1: f32[8]{0}) {}
  r1 = Relu(c1)
  c2 = Conv(image, w2: f32[4,3,1,1]{0, 0, 0, 1, -0.8, -0.6, -0.6, -0.8, 1, 0, 0, 0}, b2: f32[4]{0.25, 0, 0, -9}) {}
  c3 = Conv(r1, w3: f32[4,8,1,1]{0.001}, b3: f32[4]{0}) {}
  classes = Add(c2, c3)
}`

interface Square {
  x: number
  y: number
  class: 0 | 1
}

/** One to three squares that do not touch, by a picture's number. */
function squaresIn(seed: number): Square[] {
  const corners = [
    [4, 4],
    [36, 8],
    [8, 40],
    [40, 40],
  ]
  return corners
    .filter((_, k) => (seed + k) % 4 !== 0 && (seed * 7 + k) % 3 !== 0)
    .map(([x, y], k) => ({ x: x! + 4 * (seed % 2), y: y!, class: ((seed + k) % 2) as 0 | 1 }))
}

const inside = (square: Square, x: number, y: number): boolean =>
  x >= square.x && x < square.x + side && y >= square.y && y < square.y + side

const classAt = (seed: number, x: number, y: number): number =>
  (squaresIn(seed).find(square => inside(square, x, y))?.class ?? -1) + 1

const picture = (seed: number): Uint8Array =>
  png(size, size, 'colour', (x, y) => {
    const grey = 90 + ((x * 3 + y * 5 + seed * 37) % 64)
    return [
      [grey, grey, grey],
      [225, 40, 30],
      [30, 60, 220],
    ][classAt(seed, x, y)]!
  })

const names = (count: number): string[] => Array.from({ length: count }, (_, k) => `${String(k).padStart(2, '0')}.png`)

type Files = Record<string, Uint8Array>

/** Pictures without labels, by their names. */
export const squares = (count: number): Files => Object.fromEntries(names(count).map((name, k) => [name, picture(k)]))

/** The same with a labels.csv of boxes. */
export function labelledSquares(count: number): Files {
  const rows = names(count).flatMap((name, k) => {
    const own = squaresIn(k)
    return own.length > 0
      ? own.map(square => `${name},${square.class},${square.x},${square.y},${side},${side}`)
      : [`${name},,,,,`]
  })
  return { 'labels.csv': utf8(['file,label,x,y,width,height', ...rows].join('\n')), ...squares(count) }
}

/** The same with a mask for each. */
export const maskedSquares = (count: number): Files =>
  Object.fromEntries(
    names(count).flatMap((name, k) => [
      [`set/images/${name}`, picture(k)],
      [`set/masks/${name}`, png(size, size, 'grey', (x, y) => [classAt(k, x, y)])],
    ]),
  )
