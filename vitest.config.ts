import { defineConfig } from 'vitest/config'

// Node tests only; the browser project is added by its own config so that `vitest run --project node` needs no Chromium.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', environment: 'node', include: ['test/**/*.test.ts'], exclude: ['test/browser/**', 'test/bench/**'], testTimeout: 60_000 } },
    ],
  },
})
