// Objects as points (Zhou, Wang and Krähenbühl, "Objects as Points", 2019, section 4): a peak of a class's heat map is a center, two
// more maps have the size of its box there and the center's place within its cell, all in cells. A peak is what none of its eight
// neighbours exceeds.

import { sigmoid } from '../../base/math.ts'
import type { Model } from '../../ir/model.ts'
import { activationFor, type Shaped, shapedOutputs } from '../outputs.ts'
import { numbersAt } from '../scores.ts'
import type { FoundBox } from '../types.ts'
import { dimsOf, fromCenter, misshapen, named } from './outputs.ts'
import type { Decoder } from './types.ts'

const isSize = /wh|size|scale|dim/i
const isOffset = /reg|off/i
const isHeat = /hm|heat|center|cls|class/i

function mapsIn(model: Model): { heat: Shaped; sizes: Shaped; offsets: Shaped | null } | null {
  const maps = shapedOutputs(model).filter(output => output.dims.length === 3)
  if (maps.length !== model.graph.outputs.length || maps.length < 2 || maps.length > 3) return null
  if (maps.some(({ dims }) => dims.slice(1).join() !== maps[0].dims.slice(1).join())) return null
  const pairs = maps.filter(({ dims }) => dims[0] === 2)
  const heat = maps.find(({ name }) => isHeat.test(name)) ?? maps.find(map => !pairs.includes(map))
  const others = pairs.filter(map => map !== heat)
  const sizes = others.find(({ name }) => isSize.test(name)) ?? others.find(({ name }) => !isOffset.test(name))
  if (!heat || !sizes || others.length !== maps.length - 1) return null
  return { heat, sizes, offsets: others.find(map => map !== sizes) ?? null }
}

export const heatmap: Decoder = {
  id: 'heatmap',
  label: 'Heat map of centers (CenterNet)',
  uses: ['scores', 'sizes', 'offsets', 'activation'],
  guess(model) {
    const maps = mapsIn(model)
    if (!maps) return null
    return {
      decoder: 'heatmap',
      scores: maps.heat.name,
      sizes: maps.sizes.name,
      offsets: maps.offsets?.name ?? null,
      activation: activationFor(model, maps.heat.name, 'sigmoid'),
    }
  },
  open(model, settings) {
    const [heat, sizes] = [named(model, settings, 'scores'), named(model, settings, 'sizes')]
    const dims = dimsOf(model, heat, '[1, C, H, W]')
    const [classes, height, width] = dims
    if (dims.length !== 3) throw misshapen(heat, dims, '[1, C, H, W]')
    const wanted = `[1, 2, ${height}, ${width}]`
    for (const name of [sizes, settings.offsets]) {
      if (name === null) continue
      const own = dimsOf(model, name, wanted)
      if (own.join() !== [2, height, width].join()) throw misshapen(name, own, wanted)
    }
    const plane = height * width
    return {
      classes,
      overlapping: false,
      read(outputs, least) {
        const raw = numbersAt(outputs, heat)
        const at = settings.activation === 'sigmoid' ? Float64Array.from(raw, sigmoid) : raw
        const extent = numbersAt(outputs, sizes)
        const shift = settings.offsets === null ? null : numbersAt(outputs, settings.offsets)
        const found: FoundBox[] = []
        for (let c = 0; c < classes; c++)
          for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
              const cell = y * width + x
              const score = at[c * plane + cell]
              if (!(score >= least) || !isPeak(at, c * plane, x, y, width, height)) continue
              found.push({
                ...fromCenter(
                  (x + (shift ? shift[cell] : 0.5)) / width,
                  (y + (shift ? shift[plane + cell] : 0.5)) / height,
                  extent[cell] / width,
                  extent[plane + cell] / height,
                ),
                class: c,
                score,
              })
            }
        return found
      },
    }
  },
}

function isPeak(at: ArrayLike<number>, start: number, x: number, y: number, width: number, height: number): boolean {
  const own = at[start + y * width + x]
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
      if (at[start + v * width + u] > own) return false
  return true
}
