// What a person sets once: the theme. (The language lives in i18n.)
import { createSignal } from 'solid-js'

export const themes = ['system', 'light', 'dark', 'contrast'] as const
export type Theme = (typeof themes)[number]
const key = 'thimble.theme'

const stored = (): Theme => themes.find(theme => theme === localStorage.getItem(key)) ?? 'system'
const [theme, setSignal] = createSignal<Theme>('system')

export { theme }

export function setTheme(next: Theme): void {
  localStorage.setItem(key, next)
  document.documentElement.dataset.theme = next
  setSignal(next)
}
export const restoreTheme = (): void => {
  setTheme(stored())
}
