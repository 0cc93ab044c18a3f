import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const pageTests = 'src/{ui,diagrams,embed,store}/**/*.test.{ts,tsx}'

/**
 * A classic script in the place of the module: modules are fetched with CORS, which a frame with
 * sandbox="allow-scripts" fails on most hosts, because its origin is opaque; a file: page as well.
 */
const classicScript: Plugin = {
  name: 'classic-script',
  enforce: 'post',
  transformIndexHtml: (html) =>
    html
      .replaceAll('<script type="module" crossorigin', '<script defer')
      .replaceAll('<link rel="stylesheet" crossorigin', '<link rel="stylesheet"'),
}

export default defineConfig({
  // Relative, so that a copy of dist works under any path, and from a file.
  base: './',
  plugins: [react(), classicScript],
  build: {
    target: 'es2023',
    modulePreload: false,
    rolldownOptions: { output: { format: 'iife' } },
  },
  test: {
    // A test that hangs fails; one that explores half a million states on a busy machine does not.
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'engine',
          environment: 'node',
          include: ['src/**/*.test.ts'],
          exclude: [pageTests],
        },
      },
      {
        extends: true,
        test: { name: 'page', environment: 'happy-dom', include: [pageTests] },
      },
    ],
  },
})
