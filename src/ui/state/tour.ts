// The first steps of a newcomer: a few words at a time, beside what they are about. Skipped or gone through, they do not come again.
import { createMemo, createSignal } from 'solid-js'

const key = 'thimble.tour'

/** Where a step is told, by its word in the dictionary, and what it is about. */
export const tourSteps = [
  { id: 'start', at: 'home', target: '[data-testid=drop-zone]' },
  { id: 'stays', at: 'home', target: '[data-testid=machine]' },
  { id: 'commands', at: 'home', target: '.palette-button' },
  { id: 'places', at: 'project', target: '.rail' },
  { id: 'run', at: 'project', target: '[data-testid=place-run]' },
] as const
export type TourStep = (typeof tourSteps)[number]

export function createTour(where: () => 'home' | 'project') {
  const [told, setTold] = createSignal<readonly string[]>((localStorage.getItem(key) ?? '').split(' '))
  const remember = (ids: readonly string[]): void => {
    localStorage.setItem(key, ids.join(' '))
    setTold(ids)
  }
  const rest = createMemo(() => tourSteps.filter(step => !told().includes(step.id)))
  const here = createMemo(() => rest().filter(step => step.at === where()))
  return {
    step: (): TourStep | null => here()[0] ?? null,
    /** Of the steps told where one is: which one this is, and how many there are. */
    position: (): [number, number] => {
      const all = tourSteps.filter(step => step.at === where())
      return [all.length - here().length + 1, all.length]
    },
    next: () => remember([...told(), ...(here()[0] ? [here()[0].id] : [])]),
    skip: () => remember(tourSteps.map(step => step.id)),
    again: () => remember([]),
  }
}
