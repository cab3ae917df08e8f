// An error in the place where its answer would stand: what is wrong, and what to do.
import type { ErrorRecord } from '../../base/errors.ts'
import { Said } from './said.tsx'

export function ProblemNote(props: { error: ErrorRecord }) {
  return (
    <p class="note bad-note">
      <Said words={props.error.message} /> <Said words={props.error.hint} />
    </p>
  )
}
