// What the page runs on, and the proof that it keeps to itself: one line in the bar, the whole of it in a panel.
import { createSignal, Show } from 'solid-js'
import type { Capabilities } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import { Ask } from './ask.tsx'
import { Said } from './said.tsx'

function gpuWords({ webgpu }: Capabilities): string {
  const adapter = webgpu.adapter ?? 'GPU'
  if (!webgpu.available) return t().bar.webgpuMissing
  if (webgpu.verified === null) return t().bar.webgpuUntested(adapter)
  return webgpu.verified ? t().bar.webgpuReady(adapter) : t().bar.webgpuWrong
}

function Facts(props: { capabilities: Capabilities; onDelete: () => void }) {
  const { network, offline, wake } = useStudio()
  const offlineWords = () => {
    const now = offline()
    if (now.state === 'not') return inWords(now.why)
    return now.state === 'ready' ? t().bar.offlineReady : t().bar.offlineStoring
  }
  return (
    <>
      <dl class="facts">
        <dt>{t().bar.network}</dt>
        <dd>{network.online() ? t().bar.online : t().bar.offline}</dd>
        <dt>{t().bar.offlineUse}</dt>
        <dd data-testid="offline" data-state={offline().state}>
          {offlineWords()}
        </dd>
        <dt>{t().bar.sentDetail}</dt>
        <dd>{network.sent()}</dd>
        <dt>{t().bar.blocked}</dt>
        <dd>{network.blocked()}</dd>
        <dt>WASM</dt>
        <dd>
          {t().bar.threads(props.capabilities.threads)}
          {props.capabilities.simd ? `, ${t().bar.simd}` : ''}
        </dd>
        <dt>{t().bar.webgpu}</dt>
        <dd>
          {gpuWords(props.capabilities)}
          <Show when={props.capabilities.webgpu.why}>
            {why => (
              <>
                <br />
                <span class="soft">
                  <Said words={why()} />
                </span>
              </>
            )}
          </Show>
        </dd>
        <dt>{t().storage}</dt>
        <dd>
          {t().bar.used(
            format.bytes(props.capabilities.storage.used, locale()),
            format.bytes(props.capabilities.storage.quota, locale()),
          )}
          , {props.capabilities.storage.persisted ? t().bar.persisted : t().bar.notPersisted}
        </dd>
        <dt>{t().notices.screen}</dt>
        <dd>{t().notices.wake[wake()]}</dd>
        <dt>{t().bar.version}</dt>
        <dd>{props.capabilities.version}</dd>
      </dl>
      <button type="button" class="button danger" onClick={() => props.onDelete()}>
        {t().bar.deleteEverything}
      </button>
    </>
  )
}

export function Machine() {
  const { capabilities, refreshCapabilities, network, project, home } = useStudio()
  const [asking, setAsking] = createSignal(false)
  let panel!: HTMLDivElement
  const engine = () => {
    const known = capabilities()
    if (!known) return ''
    const wasm = `WASM × ${known.threads}`
    return known.webgpu.available && known.webgpu.verified !== false ? `WebGPU, ${wasm}` : wasm
  }
  return (
    <>
      <button
        type="button"
        class="button bare machine-button"
        popovertarget="machine"
        title={t().bar.machine}
        data-testid="machine"
      >
        <span classList={{ bad: network.sent() > 0, good: network.sent() === 0 }} data-testid="sent">
          {t().bar.sent(network.sent())}
        </span>
        <span class="soft engine">{engine()}</span>
      </button>
      <div
        id="machine"
        class="machine"
        popover
        ref={panel}
        onToggle={event => event.newState === 'open' && void refreshCapabilities()}
      >
        <Show when={capabilities.latest}>
          {known => (
            <Facts
              capabilities={known()}
              onDelete={() => {
                panel.hidePopover()
                setAsking(true)
              }}
            />
          )}
        </Show>
      </div>
      <Ask
        open={asking()}
        title={t().bar.deleteEverythingAsk}
        action={t().bar.deleteEverything}
        danger
        onDone={yes => {
          setAsking(false)
          if (!yes) return
          home()
          void project.removeEverything().then(refreshCapabilities)
        }}
      />
    </>
  )
}
