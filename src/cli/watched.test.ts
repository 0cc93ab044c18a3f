import { afterEach, describe, expect, it, vi } from 'vitest'
import { Check } from '../checker/check'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { said } from '../testing/pinhole'
import { check } from './check'
import { compare } from './compare'
import { watched } from './watched'

const long = [gupFastVsRemove.name, '--set', 'cpus=7']

afterEach(() => vi.useRealTimers())

/** A search, each slice of which takes a tenth of a second by the clock of the progress line. */
async function shown(isTTY: boolean): Promise<string[]> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const search = Check.of(gupFastVsRemove, { params: { cpus: 4 } })
  if (typeof search === 'string') throw new Error(search)
  const written: string[] = []
  const work = async () => {
    while (search.advance(() => true)) vi.advanceTimersByTime(100)
  }
  await watched(search, work, undefined, { isTTY, write: (text) => written.push(text) })
  vi.advanceTimersByTime(5000)
  return written
}

describe('a search that somebody waits for', () => {
  it('shows a terminal how far it is, twice a second, and clears the line behind it', async () => {
    const written = await shown(true)
    const slices = Math.floor(8979 / 64)
    expect(written.length - 1).toBe(Math.floor(slices / 5))
    const lines = written.map((text) => text.split('\r\u001b[K'))
    for (const [before, line] of lines.slice(0, -1))
      expect([before, line]).toEqual([
        '',
        expect.stringMatching(/^[\d,]+ states, depth \d+, \d+ s$/),
      ])
    expect(lines.at(-1)).toEqual(['', ''])
  })

  it('shows nothing where there is no terminal', async () => {
    expect(await shown(false)).toEqual([])
  })

  it('ends at Ctrl-C with what was found so far, exit 130', async () => {
    const running = said(check, [...long, '--json'])
    process.emit('SIGINT')
    const { status, stdout } = await running
    expect(status).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'limit', limit: 'cancel' })
    expect(process.listenerCount('SIGINT')).toBe(0)
  })

  it('compares what was reached before Ctrl-C', async () => {
    const sides = ['--a', 'v5.9', '--b', 'v6.12', '--space', '--json']
    const running = said(compare, [...long, ...sides])
    process.emit('SIGINT')
    const { status, stdout } = await running
    const { space } = JSON.parse(stdout)
    expect([status, space.a.limit, space.b.limit]).toEqual([130, 'cancel', 'cancel'])
  })
})
