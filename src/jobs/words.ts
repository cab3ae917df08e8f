// The honest words that a report needs beside its figures.
import type { ZeroChannels } from '../stages/inspect/weights.ts'
import type { Side } from './report.ts'

export function honestWords(before: Side, after: Side | null, quantized: boolean): string[] {
  const words: string[] = []
  if (after?.latencyMs && before.latencyMs) {
    const ratio = after.latencyMs.median / before.latencyMs.median
    if (ratio > 1.05)
      words.push(
        `The compressed model is ${ratio.toFixed(2)} times slower than the original in this runtime (WebAssembly has no wide 8-bit dot product); on a CPU or chip with integer instructions it can be faster, which was not measured here.`,
      )
    else if (ratio > 0.95) words.push('The compressed model runs about as fast as the original in this runtime.')
  }
  if (quantized && after && after.bytes > before.bytes * 0.95)
    words.push(
      'The compressed model is hardly smaller than the original: most of its bytes are not weights of operators that this target runs in integers.',
    )
  return words
}

const named = 5

/** Channels that compute nothing: most often pruned without being removed, or a checkpoint that was not loaded whole. */
export function zeroChannelWords(found: readonly ZeroChannels[]): string[] {
  const words = found.slice(0, named).map(({ node, value, channels }) => {
    const shown = channels.slice(0, 8).join(', ') + (channels.length > 8 ? ', …' : '')
    const what = channels.length === 1 ? '1 output channel' : `${channels.length} output channels`
    return `${node}: ${what} of ${value} all zero (${shown}), which compute nothing. Was the checkpoint loaded whole?`
  })
  if (found.length > named)
    words.push(`${found.length - named} more weights have channels that are all zero: see thimble inspect.`)
  return words
}
