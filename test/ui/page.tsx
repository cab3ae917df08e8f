// The page over the fake studio, for looking at it: options come from the query, as in ?finished=1&blocks=300.
import { restoreLanguage } from '../../src/ui/i18n/index.ts'
import { mount } from '../../src/ui/mount.tsx'
import { restoreTheme } from '../../src/ui/state/settings.ts'
import { fakeApi } from './fake-api.ts'

const query = new URLSearchParams(location.search)
const api = fakeApi({
  finished: query.has('finished'),
  readOnly: query.has('readonly'),
  blocks: Number(query.get('blocks') ?? 9),
  stepMs: Number(query.get('step') ?? 20),
})
restoreTheme()
await restoreLanguage()
mount(document.getElementById('app')!, api, {
  registration: Promise.resolve(null),
  storeForOffline: async () => null,
})
