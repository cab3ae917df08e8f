// The two readings that are always in sight: what is open, before and after; and how good it is, with its interval.
import { Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Accuracy, Agreement } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { capital, sameAnswers, shownFigure } from '../state/same-answers.ts'
import { useStudio } from '../state/studio.ts'

const range = (accuracy: Accuracy): string =>
  `${format.decimal(accuracy.interval95.low, 1, locale())}–${format.decimal(accuracy.interval95.high, 1, locale())}`

function AccuracyReading(props: { before: Accuracy; after: Accuracy }) {
  return (
    <span class="reading">
      <span class="name">{capital(inWords(props.after.metric))}</span>
      <span>{format.decimal(props.before.value, 1, locale())} →</span>
      <b>{format.percent(props.after.value, 1, locale())}</b>
      <span class="soft small">({range(props.after)})</span>
    </span>
  )
}

function AgreementReading(props: { agreement: Agreement }) {
  return (
    <span class="reading">
      <span class="name">{t().agreement}</span>
      <b>
        <Show when={sameAnswers(props.agreement)[0]} fallback={format.decimal(props.agreement.cosine, 4, locale())}>
          {same => shownFigure(same(), 1)}
        </Show>
      </b>
      <span class="soft small">{format.decibel(props.agreement.sqnrDb, locale())}</span>
    </span>
  )
}

/** As the samples' shapes make them, once there is a report; before that a lower bound where dimensions are open. */
export function macsOf({ model, report }: ProjectView): string {
  if (!model.openMacs) return format.count(model.macs, locale())
  return report ? format.count(report.before.macs, locale()) : `≥ ${format.count(model.macs, locale())}`
}

export function Readings() {
  const { project, bundle, report } = useStudio()
  const model = () => project.view()?.model
  const after = () => bundle()?.after ?? report()?.after ?? null
  const accuracy = () => {
    const [was, is] = [report()?.before.accuracy, after()?.accuracy]
    return was && is ? { was, is } : null
  }
  const agreement = () => bundle()?.agreement ?? report()?.agreement ?? null
  return (
    <div class="readings">
      <Show when={model()}>
        {known => (
          <>
            <span class="reading">
              <Show when={after()} fallback={<b>{format.bytes(known().bytes, locale())}</b>}>
                {side => (
                  <>
                    <span>{format.bytes(report()?.before.bytes ?? known().bytes, locale())} →</span>
                    <b>{format.bytes(side().bytes, locale())}</b>
                    <span class="soft">
                      {format.change(report()?.before.bytes ?? known().bytes, side().bytes, locale())}
                    </span>
                  </>
                )}
              </Show>
            </span>
          </>
        )}
      </Show>
      <Show
        when={accuracy()}
        fallback={<Show when={agreement()}>{known => <AgreementReading agreement={known()} />}</Show>}
      >
        {known => <AccuracyReading before={known().was} after={known().is} />}
      </Show>
      <Show when={project.view()}>
        {view => (
          <>
            <span class="reading lesser">
              <span class="name">{t().parameters}</span>
              {format.count(view().model.parameters, locale())}
            </span>
            <span class="reading lesser">
              <span class="name">{t().macs}</span>
              {macsOf(view())}
            </span>
          </>
        )}
      </Show>
    </div>
  )
}
