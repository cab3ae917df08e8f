// Labels given by hand: which key is which class, and what was given, so that it can be taken back.
import { createSignal } from 'solid-js'

const keys = '0123456789abcdefghijklmnopqrstuvwxyz'

/** The class of a key, where there is one. */
export function classOfKey(key: string, classes: number | null): number | null {
  const value = key.length === 1 ? keys.indexOf(key.toLowerCase()) : -1
  return value >= 0 && (classes === null || value < classes) ? value : null
}

export const keyOfClass = (value: number): string => keys[value] ?? ''

/** The half width in points of the 95 % interval around an accuracy of 90 % (binomial, normal approximation). */
export const pointsAround = (samples: number): number => 196 * Math.sqrt((0.9 * 0.1) / samples)

export interface Given {
  index: number
  sample: string
  before: number | null
}

/** `give` stores a label. */
export function createLabelling(give: (sample: string, value: number | null) => Promise<boolean>) {
  const [index, setIndex] = createSignal(0)
  const [given, setGiven] = createSignal<readonly Given[]>([])
  return {
    index,
    setIndex,
    undoable: () => given().length > 0,
    async label(sample: string, before: number | null, value: number | null): Promise<boolean> {
      const at = index()
      if (!(await give(sample, value))) return false
      setGiven(list => [...list, { index: at, sample, before }])
      return true
    },
    async undo(): Promise<void> {
      const last = given().at(-1)
      if (!last || !(await give(last.sample, last.before))) return
      setGiven(list => list.slice(0, -1))
      setIndex(last.index)
    },
  }
}
