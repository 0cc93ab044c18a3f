import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'
import { build } from 'vite'
import { browserOptions } from './browser.mjs'

/** The worker that measures and all that it imports, as one script. */
async function script() {
  const entry = fileURLToPath(new URL('../src/cli/bench-worker.ts', import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2023', lib: { entry, formats: ['iife'], name: 'bench' } },
  })
  return [built].flat()[0].output[0].code
}

const browser = await chromium.launch(browserOptions())
try {
  const page = await browser.newPage()
  const searches = await page.evaluate(
    (code) => {
      const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
      const worker = new Worker(url)
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
      })
    },
    await script(),
  )
  console.log(JSON.stringify({ browser: `Chromium ${browser.version()}`, searches }, undefined, 2))
} finally {
  await browser.close()
}
