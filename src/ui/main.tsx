// Where the page starts: a word to browsers that lack what is needed, else the studio.
import { render } from 'solid-js/web'
import { persist, registration, storeForOffline, studio } from '../../workers/client.ts'
import { restoreLanguage } from './i18n/index.ts'
import { mount } from './mount.tsx'
import { restoreTheme } from './state/settings.ts'
import { missingFeatures } from './state/support.ts'
import { Unsupported } from './unsupported.tsx'

const root = document.getElementById('app')!
const missing = missingFeatures()

function start(): void {
  if (missing.length > 0) {
    render(() => <Unsupported missing={missing} />, root)
    return
  }
  mount(root, studio, { registration, storeForOffline })
  void persist()
}

restoreTheme()
// Where the words of a language cannot be had, the page starts in English.
void restoreLanguage().finally(start)
