import type { Plugin, Rolldown } from 'vite'

type Exports = Record<string, unknown>
type Body = (require: unknown, exports: Exports, module: { exports: Exports }) => void

/**
 * What the page runs before its chunks: `chunk` takes a chunk that has arrived; `import` fetches one
 * with all that it needs. It is printed into the build, and so stands on nothing outside itself.
 */
function runtime() {
  const bodies = new Map<string, { needs: string[]; body: Body }>()
  const modules = new Map<string, { exports: Exports }>()
  const arriving = new Map<string, Promise<unknown>>()

  const require = (name: string): Exports => {
    const known = modules.get(name)
    if (known !== undefined) return known.exports
    const made = bodies.get(name)
    if (made === undefined) throw new Error(`${name} was not loaded`)
    const module = { exports: {} }
    modules.set(name, module)
    made.body(require, module.exports, module)
    return module.exports
  }

  const fetchScript = (name: string) =>
    new Promise<void>((resolve, reject) => {
      const script = document.createElement('script')
      script.src = `./assets/${name.slice(2)}`
      script.onload = () => resolve()
      script.onerror = () => {
        script.remove()
        arriving.delete(name)
        reject(new Error(`${name} cannot be loaded`))
      }
      document.head.append(script)
    })

  const arrive = async (name: string): Promise<void> => {
    if (!bodies.has(name)) await fetchScript(name)
    await Promise.all((bodies.get(name)?.needs ?? []).map(fetchAll))
  }
  const fetchAll = (name: string): Promise<unknown> => {
    const coming = arriving.get(name) ?? arrive(name)
    arriving.set(name, coming)
    return coming
  }

  require.import = async (name: string) => {
    await fetchAll(name)
    return require(name)
  }
  Object.assign(globalThis, {
    pinholeChunk(name: string, needs: string[], isEntry: boolean, body: Body) {
      bodies.set(name, { needs, body })
      if (isEntry) require(name)
    },
  })
}

const DYNAMIC_IMPORT = /Promise\.resolve\(\)\.then\(\(\)\s*=>\s*require\((["'`][^"'`]+["'`])\)\)/g

const RUNTIME = 'chunks.js'

const nameOf = (file: string) => `./${file.replace(/^assets\//, '')}`

/** The chunks that one stands on, in the order in which they are to run; itself last. */
function needed(file: string, bundle: Rolldown.OutputBundle, seen = new Set<string>()): string[] {
  const chunk = bundle[file]
  if (chunk?.type !== 'chunk' || seen.has(file)) return []
  seen.add(file)
  return [...chunk.imports.flatMap((other) => needed(other, bundle, seen)), file]
}

/**
 * Builds the page as classic scripts that still load parts of it when they are asked for. Modules
 * are fetched with CORS, which a frame with sandbox="allow-scripts" fails on most hosts, because its
 * origin is opaque; so does a page opened from a file.
 */
export const classicChunks: Plugin = {
  name: 'classic-chunks',
  apply: 'build',
  enforce: 'post',

  config: () => ({
    define: { 'import.meta': '{}' },
    build: {
      modulePreload: false,
      rolldownOptions: {
        output: {
          format: 'cjs',
          // What the page opens with is one script: it compresses better, and comes in one piece.
          codeSplitting: { groups: [{ name: 'opening', tags: ['$initial'] }] },
        },
      },
    },
  }),

  renderStart() {
    this.emitFile({ type: 'asset', name: RUNTIME, source: `(${runtime})()\n` })
  },

  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      for (const chunk of chunks) {
        const code = chunk.code.replace(DYNAMIC_IMPORT, 'require.import($1)')
        const head = [nameOf(chunk.fileName), chunk.imports.map(nameOf), chunk.isEntry]
          .map((part) => JSON.stringify(part))
          .join()
        chunk.code = `pinholeChunk(${head},function(require,exports,module){${code}\n});\n`
      }
    },
  },

  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle, chunk }) {
      if (bundle === undefined || chunk === undefined) return html
      const first = Object.values(bundle).find(
        (file) => file.type === 'asset' && file.names.includes(RUNTIME),
      )
      const scripts = [first?.fileName, ...needed(chunk.fileName, bundle)].map(
        (file) => `<script defer src="./${file}"></script>`,
      )
      return html
        .replace(/<script type="module"[^>]*><\/script>/, scripts.join('\n    '))
        .replaceAll('<link rel="stylesheet" crossorigin', '<link rel="stylesheet"')
    },
  },
}
