// How far a refit trusts its samples: the pull towards the float weights that does best for samples which a layer was not fitted to
// (ridge regression with its parameter by cross-validation; Golub, Heath and Wahba, 1979, section 1).
import { sum } from '../../../base/sum.ts'
import type { Context } from '../../../ir/context.ts'
import { type HeldRequest, heldTask } from '../../../ir/least-squares.ts'
import { inLots } from '../../../ir/lots.ts'
import type { Moments } from '../../../ir/moments.ts'
import type { Damping, Part } from './rounding-solve.ts'

// From strong to weak: few samples, or inputs that are hardly rounded, leave little to repair and much to get wrong.
const shares = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
const middle = 3

// Channels of a layer agree on how far samples are to be trusted; so many say it.
const channelsAsked = 16

type Unfitted = Pick<Part, 'moments' | 'layer'>

/** One damping for all parts of a layer: channels and groups see the same samples. */
export async function dampingFor(
  parts: readonly Unfitted[],
  images: number,
  ctx: Pick<Context, 'perform'>,
): Promise<Damping> {
  const pull = parts.every(part => part.moments.half) ? await judged(parts, ctx) : usual(parts[0].moments, images)
  return { ridge: pull, rounding: Math.min(0.01, Math.max(1e-4, 0.1 * pull)) }
}

/** Errors over the shares have one valley, which is walked into from the middle. */
async function judged(parts: readonly Unfitted[], { perform }: Pick<Context, 'perform'>): Promise<number> {
  const at = parts.map(heldOut)
  const squares = ({ fitted: { k } }: HeldRequest): number => 2 * k * k
  const errorAt = async (index: number): Promise<number> =>
    sum(
      await inLots(
        heldTask,
        at.map(of => of(shares[index])),
        squares,
        perform,
      ),
    )
  let best = middle
  let least = await errorAt(middle)
  for (const way of [-1, 1]) {
    for (let next = best + way; next >= 0 && next < shares.length; next += way) {
      const error = await errorAt(next)
      if (!(error < least)) break
      least = error
      best = next
    }
    if (best !== middle) break
  }
  return shares[best]
}

/** What to ask at a share of all rows: to fit one half, whose pull is as much stronger as it has fewer rows, and to judge by the other. */
export function heldOut({ moments, layer }: Unfitted): (share: number) => HeldRequest {
  const { n, k, c, h, r } = moments
  const half = moments.half!
  const every = Math.max(1, Math.floor(c / channelsAsked))
  const channels = Array.from({ length: Math.ceil(c / every) }, (_, i) => i * every)
  const m = channels.length
  const size = layer.bias === null ? k : k + 1
  const weights = new Float64Array(m * k)
  for (const [i, channel] of channels.entries())
    weights.set(layer.weights.subarray(channel * k, (channel + 1) * k), i * k)
  const seen = new Float64Array((k + 1) * m)
  const held = { h: new Float64Array(size * size), r: new Float64Array(size * m) }
  for (let i = 0; i <= k; i++) for (let q = 0; q < m; q++) seen[i * m + q] = half.r[i * c + channels[q]]
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) held.h[i * size + j] = h[i * (k + 1) + j] - half.h[i * (k + 1) + j]
    for (let q = 0; q < m; q++) held.r[i * m + q] = r[i * c + channels[q]] - seen[i * m + q]
  }
  const fitted = { h: half.h, k, hasBias: layer.bias !== null, r: seen, weights }
  return share => ({ fitted: { ...fitted, share: (share * n) / half.n }, held })
}

/**
 * Where samples cannot be told apart. The more columns to a row, the stronger: what is fitted to few rows fits nothing else. Rows of one
 * image are alike, so that few images ask for more as well. Shares measured on ResNet8 and 20, a keyword network and MobileNetV2.
 */
function usual({ n, k }: Moments, images: number): number {
  const few = images <= 64
  return (few ? 1e-2 : 1e-3) + ((few ? 0.3 : 0.1) * k) / n
}
