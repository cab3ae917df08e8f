// From a node to its definition.
import type { Node } from '../ir/model.ts'
import { ops } from './index.ts'
import type { OpDef } from './types.ts'

const key = (domain: string, type: string): string => `${domain}:${type}`

const table = new Map<string, OpDef>()
for (const def of ops)
  for (const type of typeof def.type === 'string' ? [def.type] : def.type) table.set(key(def.domain ?? '', type), def)

/** The definition, or null for an operator that we do not know. 'ai.onnx' is the standard domain by its long name. */
export const opOf = (node: Pick<Node, 'op' | 'domain'>): OpDef | null =>
  table.get(key(node.domain === 'ai.onnx' ? '' : node.domain, node.op)) ?? null
