// What people see: progress on stderr, one line that is rewritten where stderr is a terminal; results on stdout.
import pc from 'picocolors'
import type { ErrorRecord } from '../base/errors.ts'
import type { Progress } from '../ir/context.ts'

export interface ProgressLine {
  show(p: Progress): void
  say(line: string): void
  done(): void
}

export function createProgress(): ProgressLine {
  const terminal = process.stderr.isTTY === true
  let open = false
  let stage = ''
  let began = { at: 0, done: 0, share: 0 }
  let drawn = 0
  const clear = (): void => {
    if (open) process.stderr.write('\r\x1b[2K')
    open = false
  }
  return {
    show: p => {
      const now = performance.now()
      if (p.stage !== stage) {
        if (!terminal) process.stderr.write(`${p.stage}\n`)
        stage = p.stage
        began = { at: now, done: p.done, share: shareOf(p) }
      }
      if (!terminal || (now - drawn < 80 && p.done !== p.total)) return
      drawn = now
      const seconds = (now - began.at) / 1000
      const perSecond = seconds > 0 ? (p.done - began.done) / seconds : 0
      const advanced = shareOf(p) - began.share
      const left = p.total && advanced > 0 ? (seconds * (1 - shareOf(p))) / advanced : null
      const parts = [pc.bold(p.stage.padEnd(10)), p.total ? `${p.done} of ${p.total}` : String(p.done)]
      if (perSecond > 0) parts.push(`${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`)
      if (left !== null) parts.push(`${left.toFixed(1)} s left`)
      if (p.note) parts.push(pc.dim(p.note))
      process.stderr.write(`\r\x1b[2K${parts.join(' · ')}`)
      open = true
    },
    say: line => {
      clear()
      process.stderr.write(`${line}\n`)
    },
    done: clear,
  }
}

const shareOf = ({ done, total, share }: Progress): number => share ?? (total ? done / total : 0)

/** What happened, where, what to do. */
export function errorText(error: ErrorRecord): string {
  const where = Object.entries(error.where).map(([kind, name]) => `${kind} ${name}`)
  const lines = [pc.red(`thimble: ${error.message}`)]
  if (where.length > 0) lines.push(`  where: ${where.join(', ')}`)
  if (error.hint) lines.push(`  what to do: ${error.hint}`)
  return `${lines.join('\n')}\n`
}

export const kilobytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`

/** Rows as an aligned table; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map(r => r[i].length)))
  const numeric = head.map((_, i) => rows.every(r => /^[-+]?[\d.,]*( ?(%|dB|kB|MB|ms))?$/.test(r[i])))
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (numeric[i] ? c.padStart(widths[i]) : c.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [pc.bold(line(head)), ...rows.map(line)].join('\n')
}
