// Which nodes a recipe means: an id, a glob over ids, op:Type, or first and last of the nodes that carry weights.
import { StudioError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { Node } from '../../ir/model.ts'

/** Node ids that a selector matches, in graph order. None is an error that lists near names. */
export function select(selector: string, nodes: readonly Node[], weighted: readonly Node[]): string[] {
  const found = match(selector, nodes, weighted)
  if (found.length > 0) return found
  const near = nearest(
    selector,
    nodes.map(n => n.id),
  )
  throw new StudioError('bad-recipe', `The selector ${JSON.stringify(selector)} matches no node`, {
    hint:
      near.length > 0
        ? `Near names: ${near.join(', ')}.`
        : 'Use a node id, a glob such as "layer1.*", "op:Conv", "first" or "last".',
  })
}

function match(selector: string, nodes: readonly Node[], weighted: readonly Node[]): string[] {
  if (selector === 'first') return weighted.slice(0, 1).map(n => n.id)
  if (selector === 'last') return weighted.slice(-1).map(n => n.id)
  if (selector.startsWith('op:')) return nodes.filter(n => n.op === selector.slice(3)).map(n => n.id)
  const exact = nodes.filter(n => n.id === selector || n.name === selector || n.origin.includes(selector))
  if (exact.length > 0) return exact.map(n => n.id)
  const glob = globToRegExp(selector)
  return nodes.filter(n => glob.test(n.id) || n.origin.some(o => glob.test(o))).map(n => n.id)
}

function globToRegExp(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${body}$`)
}
