// Edits of a recipe that come faster than they are kept.
import { createRoot } from 'solid-js'
import { expect, test } from 'vitest'
import type { Recipe } from '../../src/recipe/types.ts'
import { createProject } from '../../src/ui/state/project.ts'
import { removeStep, setOption } from '../../src/ui/state/recipe-edit.ts'
import type { ProjectView, Result, StudioApi } from '../../workers/api.ts'

const recipe: Recipe = { thimble: 1, seed: 0, steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'share' }] }
const view = { id: 'digits', recipe } as ProjectView

/** A studio that takes a while to keep a recipe, and refuses those of two bits. */
function opened() {
  const api = {
    async setRecipe(id: string, next: Recipe): Promise<Result<ProjectView>> {
      await new Promise(resolve => setTimeout(resolve, 5))
      const refused = next.steps.some(step => step.weights === 'int2')
      return refused
        ? { ok: false, error: { code: 'bad-recipe', message: 'no', where: {}, hint: '' } }
        : { ok: true, value: { ...view, id, recipe: next } }
    },
  } as unknown as StudioApi
  const project = createRoot(() => createProject(api))
  project.setView(view)
  return project
}

test('an edit builds on those that are on their way', async () => {
  const project = opened()
  const kept = await Promise.all([
    project.setRecipe({ ...recipe, seed: 7 }),
    project.editRecipe(now => setOption(now, 1, 'weights', 'int4', 'int8')),
    project.editRecipe(now => removeStep(now, 2)),
  ])
  expect(kept).toEqual([true, true, true])
  expect(project.view()!.recipe).toEqual({
    thimble: 1,
    seed: 7,
    steps: [{ do: 'optimize' }, { do: 'quantize', weights: 'int4' }],
  })
})

test('an edit behind one that was refused builds on what is shown', async () => {
  const project = opened()
  expect(await project.editRecipe(now => setOption(now, 1, 'weights', 'int2', 'int8'))).toBe(false)
  expect(await project.editRecipe(now => removeStep(now, 2))).toBe(true)
  expect(project.view()!.recipe.steps).toEqual([{ do: 'optimize' }, { do: 'quantize' }])
})

test('an edit does not build on that of another project', async () => {
  const project = opened()
  const earlier = project.setRecipe({ ...recipe, seed: 7 })
  project.setView({ ...view, id: 'words' })
  await Promise.all([earlier, project.editRecipe(now => removeStep(now, 2))])
  expect(project.view()).toEqual({ id: 'words', recipe: { ...recipe, steps: recipe.steps.slice(0, 2) } })
})
