// A bias a channel: `inner` elements of one channel lie beside each other, then those of the next.

/** A bias of one element is that of every channel. */
export function addBias(y: Float32Array, bias: Float32Array, inner: number): void {
  const channels = bias.length
  for (let run = 0, at = 0; at < y.length; run++) {
    const b = bias[run % channels]
    for (const end = at + inner; at < end; at++) y[at] += b
  }
}

/** Sums over all elements of a channel, in float64. */
export function biasGradient(dy: Float32Array, channels: number, inner: number): Float32Array {
  const sums = new Float64Array(channels)
  for (let run = 0, at = 0; at < dy.length; run++) {
    let sum = 0
    for (const end = at + inner; at < end; at++) sum += dy[at]
    sums[run % channels] += sum
  }
  return Float32Array.from(sums)
}
