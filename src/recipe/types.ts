// A recipe: the saved intent, as JSON. Steps are open records here; each step's own file declares its options and checks them.
import type { InputSpec } from '../data/input-spec.ts'

export interface Step {
  do: string
  [option: string]: unknown
}

export interface Recipe {
  $schema?: string
  thimble: 1
  seed: number
  input?: InputSpec
  steps: Step[]
}
