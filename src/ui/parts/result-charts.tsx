// The charts of a result: what was tried, what layers can bear, how fast they are, what they keep in memory.
import { For, Show } from 'solid-js'
import type { ModelId, ProjectView } from '../../../workers/api.ts'
import type { Report, Side } from '../../jobs/report.ts'
import { t } from '../i18n/index.ts'
import { stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'
import { LatencyPanel } from './latency-panel.tsx'
import { MemoryPanel } from './memory-panel.tsx'
import { SensitivityPanel } from './sensitivity-panel.tsx'
import { TrainedChart } from './training-chart.tsx'
import { Tried } from './tried.tsx'

export function ResultCharts(props: { project: ProjectView; report: Report; model: ModelId; after: Side | null }) {
  const studio = useStudio()
  return (
    <>
      <For each={props.report.trained}>
        {(trained, k) => (
          <TrainedChart
            trained={trained}
            by={stepName(trained.by, t(), studio.catalogue())}
            file={`${props.project.name}-training-${k() + 1}`}
          />
        )}
      </For>
      <Tried report={props.report} />
      <Show when={studio.layers().length > 0}>
        <SensitivityPanel project={props.project} report={props.report} />
      </Show>
      <Show when={props.model && props.after?.latencyMs}>
        <LatencyPanel
          project={props.project}
          model={props.model!}
          target={studio.bundle()!.target}
          before={props.report.before}
          after={props.after!}
        />
      </Show>
      <Show when={props.model}>{id => <MemoryPanel project={props.project} model={id()} />}</Show>
    </>
  )
}
