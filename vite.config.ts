import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const pageTests = 'src/{ui,diagrams,embed,store}/**/*.test.{ts,tsx}'

export default defineConfig({
  // Relative, so that a copy of dist works under any path, and from a file.
  base: './',
  plugins: [react()],
  build: { target: 'es2023', modulePreload: { polyfill: false } },
  test: {
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
