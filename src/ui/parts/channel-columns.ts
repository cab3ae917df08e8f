// The five figures of each channel in columns: one channel in each, or several where there are more than can be drawn.

export const perChannel = 5 // smallest, lower quartile, median, upper quartile, largest

export interface Column {
  first: number
  figures: readonly number[]
}

/** Channels in columns of so many; a column reaches as far as any of its own, and its median is their mean. */
export function columnsOf(channels: Float32Array, together: number): Column[] {
  const count = channels.length / perChannel
  return Array.from({ length: Math.ceil(count / together) }, (_, column) => {
    const first = column * together
    const mine = Array.from({ length: Math.min(together, count - first) }, (_, k) =>
      channels.subarray(perChannel * (first + k), perChannel * (first + k + 1)),
    )
    const least = (k: number) => Math.min(...mine.map(figures => figures[k]))
    const most = (k: number) => Math.max(...mine.map(figures => figures[k]))
    const median = mine.reduce((sum, figures) => sum + figures[2], 0) / mine.length
    return { first, figures: [least(0), least(1), median, most(3), most(4)] }
  })
}
