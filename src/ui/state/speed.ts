// What was measured of the layers' speed with the result that is shown, where the charts' job has done so.
import { createResource } from 'solid-js'
import type { Speed } from '../../jobs/speed.ts'
import { useStudio } from './studio.ts'

export function createSpeed(): () => Speed | null {
  const { api, project, variants } = useStudio()
  const [speed] = createResource(
    () => {
      const [id, variant] = [project.view()?.id, variants.shown()]
      return id === undefined || variant === null ? null : `${id} ${variant}`
    },
    async key => {
      const [id, variant] = key.split(' ')
      const result = await api.speed(id, variant)
      return result.ok ? result.value : null
    },
  )
  return () => (speed.state === 'ready' ? speed() : null)
}

/** Milliseconds of each layer alone, by its node: in eight bits where it has kernels of them, unless floats are asked for. */
export const timesOf = (speed: Speed | null, inFloats: boolean): ReadonlyMap<string, number> =>
  new Map(speed?.layers.map(({ node, ms }) => [node, inFloats ? ms.float32 : (ms.int8 ?? ms.float32)]))
