import { defineConfig } from '@playwright/test'
import { browserOptions } from '../scripts/browser.mjs'

/** Several checkouts can test at once, each with a port of its own. */
const PORT = Number(process.env['PORT'] ?? 4199)

export default defineConfig({
  testDir: '.',
  testMatch: '*.test.ts',
  timeout: 60_000,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'] ? [['list'], ['json']] : [['list']],
  use: {
    baseURL: `http://127.0.0.1:${PORT}/`,
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    launchOptions: browserOptions(),
  },
  webServer: {
    command: `npx vite preview --port ${PORT} --strictPort --host 127.0.0.1`,
    cwd: '..',
    port: PORT,
    reuseExistingServer: false,
  },
})
