// What the runtime says when it refuses a model or a run, made into an error that names the node and says what to do.
import { StudioError } from '../base/errors.ts'
import type { Model, Node } from '../ir/model.ts'

// Names of nodes and operators where the runtime's messages hold them (onnxruntime 1.30).
const namesOfNode = [/node with name '([^']+)'/i, /Name:'([^']+)'/, /In Node, \("?([^",]+)"?,/, /\bnode \(([^)]+)\)/i]
const namesOfOperator = [
  /error: ([\w.]*:\w+)\(-?\d+\) is not a registered/,
  /No Op registered for (\w+)/,
  /implementation for (\w+)\(\d+\)/,
  /running (\w+) node/,
  /\bOp(?:type)? \((\w+)\)/,
]
const unknownOperator = /No Op registered|not a registered function\/op|Could not find an implementation/i
const newerThanRuntime = /Unsupported model IR|official support for domain|No opset import/i
const outOfMemory = /bad_alloc|out of memory|allocation failed|memory access out of bounds|Failed to allocate/i
const wrongFeed = /Got invalid dimensions|Invalid rank|Unexpected input data type|Missing Input|input '.*' is missing/i

const first = (patterns: readonly RegExp[], words: string): string | null => {
  for (const pattern of patterns) {
    const found = pattern.exec(words)?.[1]
    if (found) return found
  }
  return null
}

/** The error of a session that could not be made, or of a run. The engine throws a number where its own allocation failed. */
export function runtimeError(cause: unknown, when: 'load' | 'run'): StudioError {
  if (cause instanceof StudioError) return cause
  const words = (cause instanceof Error ? cause.message : String(cause))
    .replace(/^.*?ERROR_MESSAGE:\s*/s, '')
    .replace(/^Fatal error:\s*(?=\S)/, 'error: ')
    .trim()
  if (typeof cause === 'number' || outOfMemory.test(words))
    return new StudioError('out-of-memory', `The runtime ran out of memory while it was to ${when} the model`, {
      hint: 'Use fewer samples per batch ("batch" of the steps), a smaller input (--shape) or fewer --threads; in the browser close other tabs.',
      cause,
    })
  const node = first(namesOfNode, words)
  const op = first(namesOfOperator, words)?.replace(':', '.').replace(/^\./, '') ?? null
  const where = node ? { node } : {}
  if (unknownOperator.test(words))
    return new StudioError('unsupported', `The runtime does not know the operator ${op ?? 'that it met'}`, {
      where,
      hint: `Export the model without it, or cut the graph before it with --outputs. What the runtime said: ${words}`,
      cause,
    })
  if (newerThanRuntime.test(words))
    return new StudioError('unsupported', 'The model is newer than the runtime', {
      where,
      hint: `Export it with an opset that the runtime knows. What the runtime said: ${words}`,
      cause,
    })
  if (wrongFeed.test(words))
    return new StudioError('bad-data', `The samples do not fit the model: ${words}`, {
      where,
      hint: 'Compare the shape of the samples with the inputs that `thimble inspect` lists.',
      cause,
    })
  return new StudioError('malformed', `The runtime could not ${when} the model${op ? ` (${op})` : ''}: ${words}`, {
    where,
    hint: 'Check the model with the tool that exported it, and the shapes of what it is fed.',
    cause,
  })
}

/** The same error with the node's name found in the model, where the runtime named only the operator. */
export function inModel(thrown: unknown, model: Model): unknown {
  if (!(thrown instanceof StudioError) || thrown.where.node) return thrown
  const full = ({ domain, op }: Node): string => (domain ? `${domain}.${op}` : op)
  const found = model.graph.nodes.find(
    node => node.op !== '' && new RegExp(`(operator |\\()${full(node).replaceAll('.', '\\.')}\\b`).test(thrown.message),
  )
  if (!found) return thrown
  const { code, message, where, hint, cause } = thrown
  return new StudioError(code, message, { where: { ...where, node: found.id }, hint, cause })
}
