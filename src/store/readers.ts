import type * as Readers from '../formats/readers'

type Global = typeof globalThis & { pinholeReaders?: typeof Readers }

/** A classic script, as the page itself is one: modules fail in a frame with an opaque origin. */
const fromScript = (): Promise<typeof Readers> =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = './assets/readers.js'
    script.onload = () => {
      const { pinholeReaders } = globalThis as Global
      if (pinholeReaders === undefined) reject(new Error('readers.js is not what it should be'))
      else resolve(pinholeReaders)
    }
    script.onerror = () => reject(new Error('readers.js cannot be loaded'))
    document.head.append(script)
  })

let loaded: Promise<typeof Readers> | undefined

/** The readers of what machines print, loaded when they are first asked for. */
export function loadReaders(): Promise<typeof Readers> {
  loaded ??= import.meta.env.PROD ? fromScript() : import('../formats/readers')
  return loaded
}
