// Which inputs take sound as it is.

// Shorter axes are features of sound, or no sound at all.
const shortest = 400

/** How many values in time an input of such a shape takes, its samples counted by the first axis; null where it takes no sound. */
export function soundLength(shape: readonly (number | string | null)[] | null | undefined): number | null {
  const perSample = shape?.slice(1) ?? []
  const long = perSample.filter(dim => dim !== 1)
  const [length] = long
  const alone = perSample.length > 0 && perSample.length <= 2 && long.length === 1
  return alone && typeof length === 'number' && length >= shortest ? length : null
}
