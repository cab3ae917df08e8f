// The loss of training, step by step, and on the samples held out: while it goes on, and in the result.
import { createMemo } from 'solid-js'
import type { Learning } from '../../ir/context.ts'
import type { Trained } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { ChartPanel } from './chart-panel.tsx'
import { type Curve, Curves } from './curves.tsx'
import { linear } from './scale.ts'
import { tickText } from './ticks.ts'
import type { Column } from './virtual-table.tsx'

const words = () => t().charts.training

interface Point {
  on: 'held' | 'steps'
  step: number
  loss: number
}

const lossOf = (loss: number): string => format.real(loss, locale())

export function TrainingChart(props: { learning: Learning; by: string; about: string; file: string }) {
  const points = createMemo((): Point[] =>
    (['held', 'steps'] as const).flatMap(on => props.learning[on].map(point => ({ on, ...point }))),
  )
  const curves = createMemo(() =>
    (['held', 'steps'] as const)
      .filter(on => props.learning[on].length > 0)
      .map(
        (on): Curve => ({
          id: words()[on],
          points: props.learning[on].map(({ step, loss }) => ({
            x: step,
            y: loss,
            lines: [words()[on], words().at(format.whole(step, locale())), lossOf(loss)],
          })),
        }),
      ),
  )
  const highest = createMemo(() => Math.max(1e-30, ...points().map(({ loss }) => loss)))
  const columns = (): Column<Point>[] => [
    { id: 'on', title: words().on, width: 190, key: row => row.on, cell: row => words()[row.on] },
    {
      id: 'step',
      title: words().step,
      width: 120,
      key: row => row.step,
      cell: row => format.whole(row.step, locale()),
      figure: true,
    },
    { id: 'loss', title: words().loss, width: 140, key: row => row.loss, cell: row => lossOf(row.loss), figure: true },
  ]
  return (
    <ChartPanel
      title={words().title(props.by)}
      about={props.about}
      label={words().title(props.by)}
      testid="training-chart"
      columns={columns()}
      rows={points()}
      file={props.file}
    >
      <Curves
        label={words().title(props.by)}
        curves={curves()}
        x={ends => ({
          name: words().step,
          scale: linear(0, Math.max(1, ...points().map(({ step }) => step)), ends, 'across'),
          show: value => format.whole(value, locale()),
        })}
        y={place => ({
          name: words().loss,
          scale: linear(0, highest(), place, 'upwards'),
          show: value => tickText(value, locale()),
        })}
        selected={null}
        onChoose={() => {}}
      />
    </ChartPanel>
  )
}

/** Of a result. */
export function TrainedChart(props: { trained: Trained; by: string; file: string }) {
  return (
    <TrainingChart
      learning={props.trained}
      by={props.by}
      file={props.file}
      about={words().about({
        steps: format.whole(props.trained.taken, locale()),
        samples: format.whole(props.trained.samples, locale()),
        before: lossOf(props.trained.held[0].loss),
        best: lossOf(props.trained.best.loss),
        at: format.whole(props.trained.best.step, locale()),
      })}
    />
  )
}
