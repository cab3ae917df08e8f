// Starts a job, then says how far it is and stops it.
import { Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import type { Job } from '../state/job.ts'
import { ProgressBar } from './progress-bar.tsx'
import './job-control.css'

export function JobControl(props: { job: Job; action: string; doing: string; testid: string }) {
  return (
    <Show
      when={props.job.busy()}
      fallback={
        <button
          type="button"
          class="button"
          data-testid={props.testid}
          disabled={props.job.locked()}
          onClick={() => void props.job.start()}
        >
          {props.action}
        </button>
      }
    >
      <div class="job-control">
        <ProgressBar
          label={props.doing}
          done={props.job.progress()?.done ?? 0}
          total={props.job.progress()?.total ?? null}
        />
        <button type="button" class="button" onClick={() => void props.job.stop()}>
          {t().doctor.stop}
        </button>
        <Show when={props.job.progress()?.note}>{note => <p class="soft small mono">{note()}</p>}</Show>
      </div>
    </Show>
  )
}
