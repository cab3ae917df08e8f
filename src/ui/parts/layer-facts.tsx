// What a layer is and how far it strays, as pairs of name and figure.
import { Show } from 'solid-js'
import type { LayerReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import type { SceneNode } from '../graph/scene.ts'
import { locale, t } from '../i18n/index.ts'
import { Sqnr } from './sqnr.tsx'
import { Term } from './term.tsx'

export function LayerFacts(props: {
  item: SceneNode
  before: readonly SceneNode[]
  weightShape: readonly number[] | null
  layer: LayerReport | undefined
}) {
  const inputs = () => props.before.flatMap(({ detail }) => (detail ? [detail] : []))
  return (
    <dl class="facts">
      <Show when={inputs().length > 0}>
        <dt>{t().layer.shapeIn}</dt>
        <dd>{inputs().join(', ')}</dd>
      </Show>
      <dt>{t().layer.shape}</dt>
      <dd>{props.item.detail || t().unknown}</dd>
      <Show when={props.weightShape}>
        {shape => (
          <>
            <dt>{t().layer.weightShape}</dt>
            <dd>{format.shape(shape())}</dd>
          </>
        )}
      </Show>
      <Show when={props.item.node}>
        {node => (
          <>
            <dt>{t().macs}</dt>
            <dd>{format.count(node().macs, locale())}</dd>
            <dt>{t().graph.weights}</dt>
            <dd>{node().bytes > 0 ? format.bytes(node().bytes, locale()) : t().none}</dd>
          </>
        )}
      </Show>
      <Show when={props.layer}>
        {row => (
          <>
            <dt>{t().result.bits}</dt>
            <dd>
              {row().weightBits ?? '–'}/{row().activationBits ?? '–'}
            </dd>
            <dt>
              <Term of="sqnrSoFar">{t().result.soFar}</Term>
            </dt>
            <dd>
              <Sqnr db={row().cumulativeSqnrDb} />
            </dd>
            <dt>
              <Term of="sqnrLocal">{t().result.local}</Term>
            </dt>
            <dd>
              <Sqnr db={row().sqnrDb} />
            </dd>
            <dt>{t().result.weight}</dt>
            <dd>
              <Sqnr db={row().weightSqnrDb} />
            </dd>
            <dt>{t().result.activation}</dt>
            <dd>
              <Sqnr db={row().activationSqnrDb} />
            </dd>
          </>
        )}
      </Show>
    </dl>
  )
}
