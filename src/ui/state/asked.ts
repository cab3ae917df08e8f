// What is asked of the worker again whenever what it depends on changes; an answer that comes too late is dropped.
import { type Accessor, createEffect, createSignal, on } from 'solid-js'
import type { Result } from '../../../workers/api.ts'
import type { ErrorRecord } from '../../base/errors.ts'

export interface Asked<T> {
  value: Accessor<T | null>
  error: Accessor<ErrorRecord | null>
  waiting: Accessor<boolean>
  again(): void
}

/** `key` says in one text what `ask` depends on; null: there is nothing to ask. */
export function createAsked<T>(key: Accessor<string | null>, ask: (key: string) => Promise<Result<T>>): Asked<T> {
  const [value, setValue] = createSignal<T | null>(null)
  const [error, setError] = createSignal<ErrorRecord | null>(null)
  const [waiting, setWaiting] = createSignal(false)
  let last = 0
  async function asking(text: string | null): Promise<void> {
    const mine = ++last
    setValue(null)
    setError(null)
    setWaiting(text !== null)
    if (text === null) return
    const result = await ask(text)
    if (mine !== last) return
    setWaiting(false)
    if (result.ok) setValue(() => result.value)
    else setError(result.error)
  }
  createEffect(on(key, text => void asking(text)))
  return { value, error, waiting, again: () => void asking(key()) }
}
