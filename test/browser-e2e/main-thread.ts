// How long the page's main thread worked at a stretch, from the browser's own trace: CPU time, so that other programs on the
// machine do not count, and so does nothing that the test itself asks of the page.
import type { Page } from 'playwright-core'

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  tdur?: number // µs of CPU time
  args?: { name?: string; src_file?: string }
}

/** Milliseconds of the longest tasks during `work`, longest first. */
export async function longestTasks(page: Page, work: () => Promise<void>): Promise<number[]> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const complete = new Promise<unknown>(done => session.once('Tracing.tracingComplete', done))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel'] },
  })
  await work()
  await session.send('Tracing.end')
  await complete
  await session.detach()
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
  const named = events.filter(event => event.name === 'thread_name' && event.args?.name === 'CrRendererMain')
  const main = new Set(named.map(threadOf))
  return events
    .filter(event => event.name.endsWith('RunTask') && main.has(threadOf(event)) && event.tdur !== undefined)
    .filter(event => !event.args?.src_file?.includes('mojo')) // what the test asks comes in through these
    .map(event => event.tdur! / 1000)
    .sort((a, b) => b - a)
}
