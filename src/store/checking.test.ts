import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { scenarios } from '../scenarios'
import type { Request } from '../scenarios/open'
import { ask, cancel, endChecking, isCurrent, openSchedule } from './checking'
import { loadScenarios } from './library'
import { linkNow, openLink } from './link'
import { changeSetup, openScenarioWith, seek } from './session'
import type { Wish } from './state'
import { getState, resetStore } from './store'

const wish: Wish = { isFromHere: false, maxSeconds: 60 }
/** A busy machine may take long; nothing here waits for a time to pass. */
const soon = (check: () => void) => vi.waitFor(check, 20_000)
const timeline = () => getState().opened.timeline
const standing = (name: string) =>
  timeline()
    .standings()
    .find(({ invariant }) => invariant.name === name)

function open(name: string, request: Request = {}): void {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  openScenarioWith(scenario, request)
}

/** Asks, and waits for the answer with all its examples. */
async function answered(more: Partial<Wish> = {}) {
  await ask({ ...wish, ...more })
  return vi.waitFor(() => {
    const { answer, examples } = getState().checking ?? {}
    if (answer === undefined) throw new Error('no answer yet')
    const reached = answer.properties.filter(({ depth }) => depth !== undefined)
    expect(Object.keys(examples ?? {}).length).toBe(
      reached.length + answer.hangs.length + (answer.livelock === undefined ? 0 : 1),
    )
    return answer
  }, 20_000)
}

beforeEach(async () => {
  resetStore()
  await loadScenarios()
})
afterEach(endChecking)

describe('a check of what the page shows', () => {
  it('runs on the page where there is no worker, with the same answer', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 3 } })
    expect(await answered()).toMatchObject({ verdict: 'holds', states: 1225, isComplete: true })
    expect(getState().checking).toMatchObject({ place: 'page', phase: 'answered' })
  })

  it('opens a schedule as a branch, with the step flagged that breaks the property', async () => {
    open('gup-fast-vs-remove', { policies: { removalZap: 'leave' } })
    const before = getState().opened
    const answer = await answered()
    const [broken] = answer.properties
    openSchedule('removeDoneMeansUnheld', 1)
    expect(getState().opened).toBe(before)
    expect(timeline().branches.map(({ name }) => name)).toEqual([
      'main',
      'removeDoneMeansUnheld (2)',
    ])
    expect(timeline().branch.flag).toEqual({
      moment: broken?.depth,
      says: `Broken here: ${broken?.claim}`,
    })
    expect(standing('removeDoneMeansUnheld')?.since).toBe(broken?.depth)
    expect(getState().notice).toContain('Broken here')
  })

  it('has schedules whose links open at the same step, and fit a mail', async () => {
    open('imx6-cannot-boot')
    await answered()
    openSchedule('oneResourceFile', 0)
    const link = linkNow()
    if ('refused' in link) throw new Error(link.refused)
    expect(link.fragment.length).toBeLessThan(300)
    const { cursor } = timeline()
    resetStore()
    await openLink(link.fragment)
    expect(timeline().cursor).toBe(cursor)
    expect(standing('oneResourceFile')?.since).toBe(cursor)
  })

  it('goes back to what was asked about, where the page shows something else by now', async () => {
    open('gup-fast-vs-remove', { policies: { removalZap: 'leave' } })
    await answered()
    const asked = getState().checking?.asked
    if (asked === undefined) throw new Error('nothing was asked')
    expect(isCurrent(asked, getState().opened)).toBe(true)
    changeSetup({ policies: { removalZap: 'zap' } })
    expect(isCurrent(asked, getState().opened)).toBe(false)
    openSchedule('removeDoneMeansUnheld', 0)
    expect(isCurrent(asked, getState().opened)).toBe(true)
    expect(standing('removeDoneMeansUnheld')?.finding).toBeTruthy()
  })

  it('may begin at this moment', async () => {
    open('gup-fast-vs-remove', { policies: { removalZap: 'leave' } })
    seek(3)
    const whole = await answered({ everything: true })
    const answer = await answered({ everything: true, isFromHere: true })
    expect(answer.states).toBeLessThan(whole.states)
    openSchedule('removeDoneMeansUnheld', 0)
    const depth = answer.properties[0]?.depth ?? 0
    expect(timeline().branch.flag?.moment).toBe(3 + depth)
    expect(standing('removeDoneMeansUnheld')?.since).toBe(3 + depth)
  })

  it('asks about an imported machine as well', async () => {
    const [first] = scenarios
    if (first === undefined) throw new Error('there is no scenario')
    openScenarioWith({ ...first, name: 'machine', story: [] })
    expect(await answered()).toMatchObject({ verdict: 'holds', states: 1 })
  })
})

describe('a check that is cancelled', () => {
  it('answers about what it has seen', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 8 } })
    await ask(wish)
    await soon(() => expect(getState().checking?.progress).toBeDefined())
    cancel()
    await soon(() => expect(getState().checking?.phase).toBe('answered'))
    expect(getState().checking?.answer).toMatchObject({ verdict: 'limit', limit: 'cancel' })
  })

  it('says so where it had not begun, and then is not heard of again', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 8 } })
    const asking = ask(wish)
    cancel()
    expect(getState().checking).toMatchObject({
      phase: 'refused',
      sentence: 'Cancelled, before there was an answer.',
    })
    await asking
    expect(getState().checking?.phase).toBe('refused')
  })

  it('leaves the next one alone', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 8 } })
    await ask(wish)
    cancel()
    open('gup-fast-vs-remove')
    expect(await answered()).toMatchObject({ verdict: 'holds', states: 171 })
  })
})

describe('a worker', () => {
  /** A worker that is ready, or may not load its scripts, and then does what the test does in its place. */
  class FakeWorker {
    static made: FakeWorker[] = []
    static isForbidden = false
    onmessage: (event: { data: unknown }) => void = () => {}
    onerror: (event: { message: string; preventDefault(): void }) => void = () => {}
    readonly heard: unknown[] = []
    isEnded = false
    constructor() {
      FakeWorker.made.push(this)
      queueMicrotask(() => {
        if (FakeWorker.isForbidden) this.onerror({ message: '', preventDefault() {} })
        else this.onmessage({ data: 'ready' })
      })
    }
    postMessage(message: unknown) {
      this.heard.push(message)
    }
    terminate() {
      this.isEnded = true
    }
  }

  beforeEach(() => {
    FakeWorker.made = []
    FakeWorker.isForbidden = false
    vi.stubGlobal('Worker', FakeWorker)
  })
  afterEach(() => vi.unstubAllGlobals())

  it('that does not answer a cancel is ended', async () => {
    await ask(wish)
    const [worker] = FakeWorker.made
    expect(getState().checking?.place).toBe('worker')
    cancel()
    expect(worker?.heard.at(-1)).toEqual({ kind: 'cancel' })
    await soon(() => expect(worker?.isEnded).toBe(true))
    expect(getState().checking?.phase).toBe('refused')
  })

  it('that breaks down is answered by a sentence', async () => {
    await ask(wish)
    FakeWorker.made[0]?.onerror({ message: 'out of memory', preventDefault() {} })
    expect(getState().checking).toMatchObject({
      phase: 'refused',
      sentence: 'The checker broke down: out of memory.',
    })
  })

  it('that cannot load its scripts is replaced by the page', async () => {
    FakeWorker.isForbidden = true
    open('gup-fast-vs-remove')
    expect(await answered()).toMatchObject({ verdict: 'holds', states: 171 })
    expect(getState().checking?.place).toBe('page')
    expect(FakeWorker.made[0]?.isEnded).toBe(true)
  })
})
