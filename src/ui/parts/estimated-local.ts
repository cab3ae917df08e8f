// What a layer's own error becomes when only the rounding of its output changes.

const noise = (db: number): number => 10 ** (-db / 10)

/** In dB, of the layer's and its output's as they are and the output's other one: noises that know nothing of each other add up. */
export const estimatedLocal = (localDb: number, outputDb: number, otherDb: number): number =>
  -10 * Math.log10(Math.max(noise(localDb) - noise(outputDb), 0) + noise(otherDb))
