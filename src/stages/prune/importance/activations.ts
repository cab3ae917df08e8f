// Importances by what a channel is like on the samples: its mean magnitude, and how seldom it is zero (Hu et al., Network Trimming, 2016).
import type { ChannelStatistics } from '../statistics.ts'
import { averaged } from './normalize.ts'
import type { Importance } from './types.ts'

const by =
  (score: (seen: ChannelStatistics) => Float64Array): Importance['score'] =>
  async (_, { statistics }) =>
    averaged(statistics.map(score))

export const activation: Importance = {
  id: 'activation',
  label: 'Mean magnitude on the samples',
  needsData: true,
  score: by(({ magnitude, count }) => magnitude.map(m => m / count)),
}

export const apoz: Importance = {
  id: 'apoz',
  label: 'Share of values on the samples that are not zero',
  needsData: true,
  score: by(({ zeros, count }) => zeros.map(z => 1 - z / count)),
}
