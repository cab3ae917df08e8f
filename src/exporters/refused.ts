// What cannot be written, as one error.
import { StudioError } from '../base/errors.ts'
import type { Problem } from './types.ts'

/** One error for all that cannot be written; it names the first. */
export function refused(problems: readonly Problem[]): StudioError {
  const [{ node, op, why, fix }] = problems
  const others = problems.length > 1 ? `, and ${problems.length - 1} more nodes cannot either` : ''
  return new StudioError('unsupported', `${op} ${node ?? ''} cannot be written: ${why}${others}`, {
    where: node === null ? {} : { node },
    hint: fix ?? 'Cut the graph before it with --outputs, or replace it.',
  })
}
