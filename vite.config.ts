import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { classicChunks } from './scripts/classic-chunks.ts'

const pageTests = 'src/{ui,diagrams,embed,store}/**/*.test.{ts,tsx}'

export default defineConfig({
  // Relative, so that a copy of dist works under any path, and from a file.
  base: './',
  plugins: [react(), classicChunks],
  // scripts/sizes.mjs judges what is too large.
  build: { target: 'es2023', chunkSizeWarningLimit: 2000 },
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
        test: {
          name: 'page',
          environment: 'happy-dom',
          include: [pageTests],
          setupFiles: ['src/testing/page-setup.ts'],
        },
      },
    ],
  },
})
