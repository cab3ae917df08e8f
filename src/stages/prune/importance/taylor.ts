// Importance by what the outputs change by without a channel, to first order.
import { normalized } from './normalize.ts'
import type { Importance } from './types.ts'

export const taylor: Importance = {
  id: 'taylor',
  label: 'Change of the outputs to first order',
  needsData: true,
  needsGradients: true,
  score: async ({ readers }, { changes }) => (changes && readers.length > 0 ? normalized(changes) : null),
}
