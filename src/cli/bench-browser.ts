import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'
import { build, type Rolldown } from 'vite'
import { browserOptions } from '../../scripts/browser.mjs'
import type { searchRates } from './bench-searches'
import { sayJson } from './output'

type Rates = ReturnType<typeof searchRates>

/** The worker and all that it imports, as one script. */
async function script(): Promise<string> {
  const entry = fileURLToPath(new URL('./bench-worker.ts', import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2023',
      lib: { entry, formats: ['iife'], name: 'bench' },
    },
  })
  const [bundle] = [built].flat() as Rolldown.RolldownOutput[]
  return bundle?.output[0].code ?? ''
}

const browser = await chromium.launch(browserOptions())
try {
  const page = await browser.newPage()
  const rates = await page.evaluate(
    (code) => {
      const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
      const worker = new Worker(url)
      return new Promise<unknown>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
      })
    },
    await script(),
  )
  sayJson({ browser: `Chromium ${browser.version()}`, searches: rates as Rates })
} finally {
  await browser.close()
}
