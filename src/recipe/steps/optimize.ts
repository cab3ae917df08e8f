// Step `optimize`: the graph optimisations to a fixed point, with their account.
import { optimize as runPasses } from '../../stages/passes/index.ts'
import { step } from '../state.ts'

export const optimize = step({
  id: 'optimize',
  label: 'Optimise the graph',
  options: {},
  needs: () => [],
  clears: true,
  async run(state, _options, { ctx }) {
    const start = ctx.clock()
    const { model, passes, nodesBefore, nodesAfter } = await runPasses(state.model, ctx)
    const optimized = {
      nodesBefore,
      nodesAfter,
      passes: passes.map(p => ({ id: p.id, changes: p.changes.length, skipped: [...p.skipped] })),
    }
    return { ...state, model, optimized, timing: { ...state.timing, optimizeMs: ctx.clock() - start } }
  },
})
