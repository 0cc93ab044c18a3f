import { defineConfig } from 'vite'

/** The readers of listings and recordings as a classic script beside the page's own. */
export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2023',
    outDir: 'dist/assets',
    emptyOutDir: false,
    lib: {
      entry: 'src/formats/readers.ts',
      formats: ['iife'],
      name: 'pinholeReaders',
      fileName: () => 'readers.js',
    },
  },
})
