// How far a refit trusts its samples: the pull towards the float weights that does best for samples which a layer was not fitted to
// (ridge regression with its parameter by cross-validation; Golub, Heath and Wahba, 1979, section 1).
import type { Context } from '../../../ir/context.ts'
import { heldTask } from '../../../ir/least-squares.ts'
import { inLots } from '../../../ir/lots.ts'
import type { Moments } from '../../../ir/moments.ts'
import type { Damping, Part } from './rounding-solve.ts'

// From strong to weak: few samples, or inputs that are hardly rounded, leave little to repair and much to get wrong.
const shares = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
const middle = 3

/** One damping for all parts of a layer: channels and groups see the same samples. */
export async function dampingFor(
  parts: readonly Omit<Part, 'damping'>[],
  images: number,
  ctx: Pick<Context, 'perform'>,
): Promise<Damping> {
  const pull = parts.every(part => part.moments.half) ? await judged(parts, ctx) : usual(parts[0].moments, images)
  return { ridge: pull, rounding: Math.min(0.01, Math.max(1e-4, 0.1 * pull)) }
}

/** Errors over the shares have one valley, which is walked into from the middle. */
async function judged(parts: readonly Omit<Part, 'damping'>[], { perform }: Pick<Context, 'perform'>): Promise<number> {
  const squares = ({ k }: { k: number }): number => 2 * k * k
  const errorAt = async (index: number): Promise<number> => {
    const requests = parts.map(({ moments: { n, h, r, k, c, half }, layer }) => ({
      ...{ all: { n, h, r }, half: half!, k, c, share: shares[index] },
      hasBias: layer.bias !== null,
      weights: layer.weights,
    }))
    return (await inLots(heldTask, requests, squares, perform)).reduce((sum, e) => sum + e, 0)
  }
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

/**
 * Where samples cannot be told apart. The more columns to a row, the stronger: what is fitted to few rows fits nothing else. Rows of one
 * image are alike, so that few images ask for more as well. Shares measured on ResNet8 and 20, a keyword network and MobileNetV2.
 */
function usual({ n, k }: Moments, images: number): number {
  const few = images <= 64
  return (few ? 1e-2 : 1e-3) + ((few ? 0.3 : 0.1) * k) / n
}
