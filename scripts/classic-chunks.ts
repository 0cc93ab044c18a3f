import type { Plugin, Rolldown } from 'vite'

type Exports = Record<string, unknown>
type Body = (require: unknown, exports: Exports, module: { exports: Exports }) => void

/**
 * What the page, and each of its workers, runs before its chunks: `pinholeChunk` takes a chunk that has
 * arrived; `import` fetches one with all that it needs; `worker` does so in a worker of its own. It is
 * printed into the build, and so stands on nothing outside itself.
 */
function runtime() {
  const scope = globalThis as unknown as {
    pinholeWorker?: { runtime: string; chunk: string }
    importScripts(address: string): void
  }
  const { pinholeWorker } = scope
  // A worker that begins as a blob is told where the scripts are.
  const here = pinholeWorker?.runtime ?? (document.currentScript as HTMLScriptElement).src
  const addressOf = (name: string) => new URL(name, here).href
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
      if (pinholeWorker !== undefined) {
        scope.importScripts(addressOf(name))
        return resolve()
      }
      const script = document.createElement('script')
      script.src = addressOf(name)
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
  require.worker = (chunk: string) => {
    const begin = `pinholeWorker=${JSON.stringify({ runtime: here, chunk })};importScripts(pinholeWorker.runtime)`
    return new Worker(URL.createObjectURL(new Blob([begin])))
  }
  Object.assign(scope, {
    pinholeChunk(name: string, needs: string[], isEntry: boolean, body: Body) {
      bodies.set(name, { needs, body })
      if (isEntry && pinholeWorker === undefined) require(name)
    },
  })
  if (pinholeWorker !== undefined)
    require.import(pinholeWorker.chunk).catch((error) =>
      // Out of the promise, so that the page hears of it.
      setTimeout(() => {
        throw error
      }),
    )
}

/** A worker as the sources make one, and as development runs it. */
const MODULE_WORKER =
  /new Worker\(\s*new URL\((["'][^"']+["']), import\.meta\.url\),\s*\{\s*type: ["']module["'],?\s*\},?\s*\)/g
/** The same when it is bundled: Vite may have put something around the import, for its style sheets. */
const CLASSIC_WORKER =
  /pinholeWorker\(\(\)\s*=>\s*(?:[\w$.]+\(\(\)\s*=>\s*)?require\.import\(([^)]+)\)(?:,[^()]*\))?\)/g

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
 * origin is opaque; so does a page opened from a file. A worker is one more part: it takes the chunks
 * that the page has fetched already, and is a blob, because that may be made where the origin is opaque.
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

  // Before Vite bundles it a second time, with all that it stands on.
  transform: {
    order: 'pre',
    handler: (code) =>
      code.includes('new Worker(')
        ? code.replace(MODULE_WORKER, 'pinholeWorker(() => import($1))')
        : null,
  },

  renderStart() {
    this.emitFile({ type: 'asset', name: RUNTIME, source: `(${runtime})()\n` })
  },

  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      for (const chunk of chunks) {
        const code = chunk.code
          .replace(DYNAMIC_IMPORT, 'require.import($1)')
          .replace(CLASSIC_WORKER, 'require.worker($1)')
        if (code.includes('pinholeWorker('))
          this.error(`${chunk.fileName}: a worker is bundled in an unknown way`)
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
