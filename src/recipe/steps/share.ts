// Step `share`: all weights of a layer take a few values. The files stay as large as they were, since no runtime here reads codebooks; what
// they would take as codes is told.
import { bytesOf } from '../../base/dtype.ts'
import { number } from '../../base/options.ts'
import { readFloats } from '../../ir/bytes.ts'
import { edit } from '../../ir/edit.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import { codebookOf, shared, storedBytes } from '../../stages/prune/share.ts'
import { type State, step } from '../state.ts'

const options = {
  bits: number('Bits of a code', { default: 4, min: 1, max: 8 }),
}

export const share = step({
  id: 'share',
  label: 'Share weights by codebooks',
  stands: 'before',
  options,
  needs: () => [],
  async run(state: State, { bits }, { ctx }): Promise<State> {
    const model = infer(state.model)
    const names = new Set(
      model.graph.nodes.flatMap(node => {
        const name = weightOf(node, model.graph)?.name
        const data = name === undefined ? null : model.graph.values.get(name)?.data
        return name !== undefined && data?.dtype === 'float32' && data.shape.length > 1 ? [name] : []
      }),
    )
    const found: { name: string; weights: Float32Array }[] = []
    const total = { before: 0, plain: 0, huffman: 0, entropy: 0 }
    for (const [done, name] of [...names].entries()) {
      ctx.signal.throwIfAborted()
      const book = codebookOf(await readFloats(ctx.bytes, model.graph.values.get(name)!.data!), bits)
      const bytes = storedBytes(book)
      total.before += 4 * book.codes.length
      for (const key of ['plain', 'huffman', 'entropy'] as const) total[key] += bytes[key]
      found.push({ name, weights: shared(book) })
      ctx.progress({ stage: 'share', done: done + 1, total: names.size, note: name })
    }
    const graph = edit(model.graph, editor => {
      for (const { name, weights } of found) {
        const value = editor.value(name)!
        editor.setValue({ ...value, data: { ...value.data!, data: bytesOf(weights) } })
      }
    })
    return {
      ...state,
      model: { ...model, graph },
      notes: [
        ...state.notes,
        `Weights of ${names.size} layers share values by codes of ${bits} bits. In theory their ${total.before} bytes are ${total.plain} as codes with tables, ${total.huffman} by Huffman codes (entropy ${total.entropy}); exported files hold the values themselves, and are as large as before.`,
      ],
    }
  },
})
