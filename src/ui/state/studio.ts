// Everything that the components see, in one context: the door to the worker, and one signal tree per concern.
import {
  createContext,
  createEffect,
  createMemo,
  createResource,
  createSignal,
  on,
  onMount,
  useContext,
} from 'solid-js'
import type { StudioApi } from '../../../workers/api.ts'
import type { BundleReport, LayerReport } from '../../jobs/report.ts'
import { keyOf } from '../graph/scene.ts'
import { t } from '../i18n/index.ts'
import { classNames } from './class-names.ts'
import { createDumps } from './dumps.ts'
import { createGraphs } from './graphs.ts'
import { createLooked } from './looked.ts'
import { createNetwork } from './network.ts'
import { createNotices } from './notices.ts'
import { createOffline } from './offline.ts'
import { createAddress, type Place } from './place.ts'
import { createProject } from './project.ts'
import { createRun } from './run.ts'
import { createShared } from './share.ts'
import { createTour } from './tour.ts'
import { createUpdate } from './update.ts'
import { createVariants } from './variants.ts'
import { createWake } from './wake.ts'

/** What the page is given besides the studio itself. */
export interface Surroundings {
  registration: Promise<ServiceWorkerRegistration | null>
  storeForOffline: () => Promise<string | null>
}

export function createStudio(api: StudioApi, { registration, storeForOffline }: Surroundings) {
  const { address, go } = createAddress()
  const [capabilities, { refetch: refreshCapabilities }] = createResource(() => api.capabilities())
  const [catalogue] = createResource(() => api.catalogue())
  const project = createProject(api)
  const run = createRun(api, project)
  const network = createNetwork()
  const update = createUpdate(registration)
  const offline = createOffline(storeForOffline)
  const notices = createNotices(registration)
  const wake = createWake(() => run.running() !== null)
  const tour = createTour(() => (project.view() ? 'project' : 'home'))
  const share = createShared(api, project, address)
  const [sharing, setSharing] = createSignal(false)
  const [selected, select] = createSignal<string | null>(null) // a node's id
  const [paletteOpen, setPaletteOpen] = createSignal(false)
  const [bundleIndex, setBundleIndex] = createSignal(0)

  const show = (place: Place) => {
    const id = project.view()?.id
    if (id) go({ project: id, place })
  }
  const variants = createVariants(api, project)
  const { report } = variants
  const looked = createLooked(api, project)
  const dumps = createDumps(api, project, variants)
  const bundle = createMemo<BundleReport | null>(() => {
    const bundles = report()?.bundles ?? []
    return bundles[Math.min(bundleIndex(), bundles.length - 1)] ?? null
  })
  const layers = createMemo<readonly LayerReport[]>(() => bundle()?.layers ?? report()?.layers ?? [])
  const classes = createMemo(() => classNames(project.view()))
  const graphs = createGraphs(api, project.view, variants.shown)

  /** Selects the node that makes a value, as soon as a graph is there that has it. */
  const [sought, setSought] = createSignal<string | null>(null)
  const showValue = (name: string) => setSought(name)
  createEffect(() => {
    const [name, scene] = [sought(), graphs.drawing.latest?.scene]
    if (name === null || !scene) return
    const maker = scene.nodes.find(item => item.node?.outputs.includes(name))
    if (maker) select(keyOf(maker))
    setSought(null)
  })

  /** The recipe is run; whoever still looks at the run is shown the result when it is there. */
  async function start(): Promise<void> {
    const id = project.view()?.id
    show('run')
    const done = await run.start()
    if (address().project === id) {
      if (done && address().place === 'run') show('result')
    } else if (id) {
      // Who looks at another project has let go of this one.
      await api.closeProject(id)
      await project.refresh()
    }
    await refreshCapabilities()
  }
  async function sample(id: string, name: string): Promise<void> {
    if (await project.sample(id, name)) await start()
  }

  // The address is the truth about what is open; a failed opening leads back to the first page.
  createEffect(
    on(
      () => address().project,
      async (id, before) => {
        if (id === null && before) await project.close()
        if (id !== null && id !== project.view()?.id && !(await project.open(id))) go({ project: null, place: 'model' })
      },
    ),
  )
  const opened = createMemo(() => project.view()?.id)
  createEffect(
    on(
      opened,
      id => {
        select(null)
        setBundleIndex(0)
        if (id && address().project !== id) go({ project: id, place: 'model' })
      },
      { defer: true },
    ),
  )
  createEffect(
    on(run.ended, ended => {
      if (ended) void notices.say(ended.ok ? t().notices.done(ended.name) : t().notices.failed(ended.name))
    }),
  )
  onMount(() => void project.refresh())

  return {
    api,
    address,
    go,
    show,
    home: () => go({ project: null, place: 'model' }),
    capabilities,
    refreshCapabilities,
    catalogue,
    project,
    variants,
    report,
    looked,
    classes,
    dumps,
    showValue,
    run,
    start,
    sample,
    network,
    notices,
    wake,
    tour,
    share,
    sharing,
    setSharing,
    update,
    offline,
    selected,
    select,
    graphs,
    bundle,
    bundleIndex,
    setBundleIndex,
    layers,
    paletteOpen,
    setPaletteOpen,
  }
}
export type Studio = ReturnType<typeof createStudio>

export const StudioContext = createContext<Studio>()
export const useStudio = (): Studio => useContext(StudioContext)!
