// Transforms of convolutions by tiles.
import { normals } from '../lib/cases.ts'
import { type Arrays, type Binding, exact, kernel } from '../lib/kernel.ts'
import {
  type FilterShape,
  filterGradientReference,
  filterReference,
  inputReference,
  outputGradientReference,
  outputReference,
  planeOf,
  type TileShape,
  transformedLength,
} from './reference.ts'

const why = exact('each operation and their order are part of the definition')
const shader = { unsupported: 'they only serve gemm, which has none' }

const mapLength = ({ channels, size }: TileShape): number => channels * size[0] * size[1]
const tilesLength = ({ channels, of }: TileShape): number => transformedLength(channels * of)
const plane: Binding<TileShape> = { name: 'plane', kind: 'f32', use: 'scratch', length: (_, shape) => planeOf(shape) }

const tileShapes: TileShape[] = [
  { channels: 3, size: [8, 8], tiles: [2, 2], pads: [1, 1], of: 4, at: 0 },
  { channels: 2, size: [8, 16], tiles: [2, 4], pads: [1, 1], of: 24, at: 8 },
  { channels: 2, size: [7, 9], tiles: [2, 3], pads: [1, 0], of: 16, at: 8 },
  { channels: 1, size: [5, 18], tiles: [2, 4], pads: [2, 2], of: 8, at: 0 },
  { channels: 1, size: [12, 12], tiles: [3, 3], pads: [0, 0], of: 12, at: 0 },
]
const filterShapes: FilterShape[] = [
  { outputs: 4, channels: 2, turned: false },
  { outputs: 3, channels: 5, turned: false },
  { outputs: 3, channels: 5, turned: true },
  { outputs: 8, channels: 4, turned: true },
]

const named = <S extends object>(shape: S): string =>
  Object.entries(shape)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')

const overTiles = (
  id: string,
  simd: string,
  [from, to]: readonly [string, string],
  reading: boolean,
  reference: (arrays: Arrays, shape: TileShape) => void,
) =>
  kernel<TileShape>({
    id,
    arrays: [
      { name: from, kind: 'f32', use: 'input' },
      { name: to, kind: 'f32', use: 'output', length: (_, shape) => (reading ? tilesLength : mapLength)(shape) },
      plane,
    ],
    scalars: ({ channels, size, tiles, pads, of, at }) => [channels, ...size, ...tiles, ...pads, of, at],
    reference,
    simd,
    shader,
    cases: () =>
      tileShapes.map(shape => ({
        name: named(shape),
        params: shape,
        inputs: { [from]: normals((reading ? mapLength : tilesLength)(shape)) },
      })),
    tolerance: why,
  })

export const winogradInput = overTiles('winograd-input', 'winogradInput', ['x', 'u'], true, inputReference)
export const winogradOutput = overTiles('winograd-output', 'winogradOutput', ['m', 'y'], false, outputReference)
export const winogradOutputGradient = overTiles(
  'winograd-output-gradient',
  'winogradOutputGradient',
  ['y', 'd'],
  true,
  outputGradientReference,
)

const taps = (pairs: number): number => 9 * pairs

const overFilters = (
  id: string,
  simd: string,
  [from, to]: readonly [string, string],
  [before, after]: readonly [(pairs: number) => number, (pairs: number) => number],
  reference: (arrays: Arrays, shape: FilterShape) => void,
) =>
  kernel<FilterShape>({
    id,
    arrays: [
      { name: from, kind: 'f32', use: 'input' },
      { name: to, kind: 'f32', use: 'output', length: (_, { outputs, channels }) => after(outputs * channels) },
    ],
    scalars: ({ outputs, channels, turned }) => [outputs, channels, turned ? 1 : 0],
    reference,
    simd,
    shader,
    cases: () =>
      filterShapes.map(shape => ({
        name: named(shape),
        params: shape,
        inputs: { [from]: normals(before(shape.outputs * shape.channels)) },
      })),
    tolerance: why,
  })

export const winogradFilter = overFilters(
  'winograd-filter',
  'winogradFilter',
  ['w', 'v'],
  [taps, transformedLength],
  filterReference,
)
export const winogradFilterGradient = overFilters(
  'winograd-filter-gradient',
  'winogradFilterGradient',
  ['v', 'w'],
  [transformedLength, taps],
  filterGradientReference,
)
