// What of a model's costs is read at one node.
import type { Costs } from '../../jobs/costs.ts'

/** The activations that live while a node runs, the largest first. */
export const liveAt = ({ values }: Costs, position: number): Costs['values'] =>
  values.filter(({ from, to }) => from <= position && position <= to).sort((a, b) => b.bytes - a.bytes)
