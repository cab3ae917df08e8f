// The numbers of a group's channels in a tensor along one of its axes.
import type { Span } from './groups.ts'

/** Walks the elements of channel `c`, in an order that is the same for every channel. */
export function eachOf(
  { axis, at }: Pick<Span, 'axis' | 'at'>,
  shape: readonly number[],
  channel: number,
  visit: (index: number) => void,
): void {
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1)
  for (let o = 0; o < outer; o++)
    for (const position of at[channel]) {
      const base = (o * shape[axis] + position) * inner
      for (let i = 0; i < inner; i++) visit(base + i)
    }
}

/** The numbers of each channel, as rows: [size, numbers of one]. */
export function rowsOf(span: Pick<Span, 'axis' | 'at'>, shape: readonly number[], data: Float32Array): Float32Array[] {
  const each = (data.length / shape[span.axis]) * (span.at[0]?.length ?? 0)
  return span.at.map((_, channel) => {
    const row = new Float32Array(each)
    let at = 0
    eachOf(span, shape, channel, index => {
      row[at++] = data[index]
    })
    return row
  })
}
