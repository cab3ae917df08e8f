// Three kinds of tests: `node` (the core and the command line), `browser` (kernels, WebGPU and storage inside Chromium) and
// `e2e` (the built site driven from outside, as a person would). Only the last two need a Chromium.
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, findChromium } from './scripts/chromium.mjs'
import { developmentHeaders, engine } from './vite.config.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/browser-e2e/**', 'test/bench/**'],
          testTimeout: 120_000, // two files at a time, and others on the machine
          hookTimeout: 60_000,
        },
      },
      {
        ...engine,
        server: { headers: developmentHeaders },
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: findChromium() ?? undefined, args: chromiumArgs },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        test: {
          name: 'e2e',
          environment: 'node',
          retry: 2, // a real browser on a machine that others use: what is broken fails three times
          include: ['test/browser-e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
