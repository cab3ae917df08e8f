// IR version 3 lists every initializer as an input too. Runtimes take these as constants and let no caller override them (ONNX Runtime:
// Graph::CanOverrideInitializer, from version 4), so that they leave the list and the model becomes version 4, which differs in that only.
import type { Pass } from './types.ts'

export const unlistInitializers = {
  id: 'unlist-initializers',
  label: 'Take weights off the list of inputs in old models',
  level: 'exact',
  run(model) {
    if (model.irVersion >= 4) return { model, changes: [], skipped: [] }
    const { graph } = model
    const listed = graph.inputs.filter(name => graph.values.get(name)?.data)
    const inputs = listed.length > 0 ? graph.inputs.filter(name => !graph.values.get(name)?.data) : graph.inputs
    return {
      model: { ...model, irVersion: 4, graph: { ...graph, inputs } },
      changes: listed.map(name => ({ node: name, what: 'was listed as an input' })),
      skipped: [],
    }
  },
} as const satisfies Pass
