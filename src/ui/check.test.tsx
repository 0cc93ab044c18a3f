import { act, cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../checker/check'
import { scenarios } from '../scenarios'
import type { Request } from '../scenarios/open'
import { endChecking } from '../store/checking'
import { loadScenarios } from '../store/library'
import { changeSetup, openScenarioWith } from '../store/session'
import { getState, resetStore, setState } from '../store/store'
import { App } from './App'
import { CheckDialog } from './CheckDialog'
import { counted, figure, headline } from './check-words'

beforeEach(async () => {
  resetStore()
  await loadScenarios()
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true
  }
})
afterEach(() => {
  endChecking()
  cleanup()
})

function open(name: string, request: Request = {}): void {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  openScenarioWith(scenario, request)
}

const button = (name: string | RegExp) => screen.getByRole('button', { name })
const answer = () => within(screen.getByRole('region', { name: 'Answer' }))

describe('the check of the page', () => {
  it('opens from the header, answers in one sentence, and opens the schedule', async () => {
    open('gup-fast-vs-remove', { policies: { removalZap: 'leave' } })
    render(<App />)
    await userEvent.click(button('Check'))
    const dialog = within(await screen.findByRole('dialog', { name: 'Check' }))
    await userEvent.click(dialog.getByRole('button', { name: 'Check' }))
    await dialog.findByText(/^Broken in 8 steps: /)
    await userEvent.click(
      await dialog.findByRole('button', { name: 'Open the schedule of removeDoneMeansUnheld' }),
    )
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(screen.getByText(/step 8 of 8/)).toBeTruthy()
    const flag = () => document.querySelector('.flag')
    expect(flag()?.getAttribute('title')).toMatch(/^Broken here/)
    await userEvent.keyboard('{Home}')
    expect(flag()?.className).toBe('flag ahead')
  })

  it('shows what the checker says under every kernel, and opens the scenario under one', async () => {
    open('fork-races-a-pin')
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(await screen.findByText('Under every kernel'))
    const row = screen.getByRole('row', { name: /^v5\.9/ })
    expect(row.textContent).toContain('broken: gupCoherency 40, gupFastSeesFork 16')
    expect(row.textContent).toContain('900')
    expect(screen.getByRole('row', { name: /v6\.12/ }).textContent).toContain('holds')
    const coloured = row.querySelector('strong')
    expect([coloured?.className, coloured?.textContent]).toEqual(['broken', '✕ broken'])
    const dialog = screen.getByRole('dialog')
    dialog.scrollTop = 500
    await userEvent.click(button('v6.12'))
    expect(getState().opened.preset).toBe('v6.12')
    expect(dialog.scrollTop).toBe(0)
    expect(document.activeElement).toBe(button('Check'))
    expect(screen.getByText(/^gup-fast slips in .* · Linux v6\.12/)).toBeTruthy()
  })

  it('says that all is well only with how much was explored', async () => {
    open('gup-fast-vs-remove')
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText('Nothing breaks in any interleaving: all 171 states were explored.')
    const row = answer().getByRole('row', { name: /come to the end of its call/ })
    expect(row.textContent).toMatch(/holds$/)
    expect(answer().getByText(/^Explored/).textContent).toContain('on the page itself')
  })

  it('asks of chosen properties only, and says that hangs are not asked about then', async () => {
    open('the-driver-is-gone')
    render(<CheckDialog onClose={() => {}} />)
    const { invariants } = getState().opened.timeline.kernel
    for (const { claim, name } of invariants)
      if (name !== 'entryMatchesFile') await userEvent.click(screen.getByLabelText(claim))
    await userEvent.click(button('Check'))
    await screen.findByText(/^Broken in 36 steps/)
    expect(getState().checking?.answer?.properties).toHaveLength(1)
    expect(answer().getByText(/chosen properties only/)).toBeTruthy()
    const row = answer().getByRole('row', { name: /come to the end of its call/ })
    expect(row.textContent).toMatch(/not (asked|decided)$/)
  })

  it('cancels, and says how far it came', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 8 } })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await userEvent.click(button('Cancel'))
    await screen.findByText(/^Cancelled/)
    expect(button('Check')).toBeTruthy()
  })

  it('leaves out what it may, with the same verdict, and says so', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 3 } })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(screen.getByLabelText(/^Take threads that are alike/))
    await userEvent.click(screen.getByLabelText(/^Make a thread’s own business first/))
    await userEvent.click(button('Check'))
    await screen.findByText(/^Nothing breaks in any interleaving: \d+ states that stand for all/)
    expect(getState().checking?.answer?.states).toBeLessThan(1225)
    expect(answer().getByText(/Something was left out, as was wished/)).toBeTruthy()
  })

  it('leaves nothing out where something breaks: a length is a length of what was asked', async () => {
    open('gup-fast-vs-remove', { policies: { removalZap: 'leave' } })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(screen.getByLabelText(/^Take threads that are alike/))
    await userEvent.click(button('Check'))
    await screen.findByText(/^Broken in 8 steps: /)
    expect(answer().getByText(/all was explored, with nothing left out/)).toBeTruthy()
  })

  it('offers to take threads for each other only where some are alike', () => {
    open('fork-races-a-pin')
    render(<CheckDialog onClose={() => {}} />)
    expect(screen.queryByLabelText(/^Take threads/)).toBeNull()
    expect(screen.getByLabelText(/^Make a thread’s own/)).toHaveProperty('checked', false)
  })

  it('goes on when it is closed, with a sign in the header, and is there again as it was asked', async () => {
    open('gup-fast-vs-remove', { params: { cpus: 8 } })
    render(<App />)
    await userEvent.click(button('Check'))
    const dialog = () => within(screen.getByRole('dialog', { name: 'Check' }))
    await screen.findByRole('dialog', { name: 'Check' })
    await userEvent.selectOptions(dialog().getByLabelText('States'), '5,000,000 states')
    await userEvent.click(dialog().getByRole('button', { name: 'Check' }))
    await userEvent.click(dialog().getByRole('button', { name: 'Close' }))
    expect(getState().checking?.phase).toBe('searching')
    await userEvent.click(await screen.findByRole('button', { name: 'Check (a search runs)' }))
    await screen.findByRole('dialog', { name: 'Check' })
    expect(dialog().getByLabelText('States')).toHaveProperty('value', '5000000')
    await userEvent.click(dialog().getByRole('button', { name: 'Cancel' }))
    await screen.findByText(/^Cancelled/)
    await userEvent.click(dialog().getByRole('button', { name: 'Close' }))
    expect(button('Check (stopped before the end)').textContent).toContain('·')
    act(() => changeSetup({ params: { cpus: 2 } }))
    expect(button(/^Check .stopped .* under another kernel or rule.$/)).toBeTruthy()
    act(() => open('fork-races-a-pin'))
    expect(getState().checking).toBeUndefined()
    expect(button('Check')).toBeTruthy()
  })

  it('has nothing but this moment to begin at where there is no story', () => {
    open('qemu-q35-pmem')
    render(<CheckDialog onClose={() => {}} />)
    expect(screen.getByRole('radio', { name: /this scenario has none/ })).toHaveProperty(
      'disabled',
      true,
    )
    expect(screen.getByRole('radio', { name: /^From this moment/ })).toHaveProperty('checked', true)
  })

  it('has nothing to interleave where no thread makes a call, and says which properties speak of nothing', async () => {
    open('qemu-q35-pmem')
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText(/^There is nothing to interleave/)
    const rows = answer().getAllByRole('row')
    const isVacuous = rows.map(({ className }) => className === 'notApplicable')
    expect(isVacuous.indexOf(true)).toBeGreaterThan(2)
    expect(isVacuous.lastIndexOf(false)).toBeLessThan(isVacuous.indexOf(true))
    expect(rows.at(-1)?.textContent).toMatch(/^–.*not applicable$/)
    expect(answer().getByText(/^Not applicable: no state that was reached/)).toBeTruthy()
  })

  it('tells what was broken before the threads are free', async () => {
    open('the-mapper-comes-back', { preset: 'v4.14' })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText(/^Broken before the threads are free: /)
    const [row] = answer().getAllByRole('row', { name: /broken before the threads are free$/ })
    const open0 = await within(row as HTMLElement).findByRole('button', { name: /^Open the sched/ })
    await userEvent.click(open0)
    const { notice, opened } = getState()
    const { cursor } = opened.timeline
    expect(notice).toMatch(
      new RegExp(
        `It is so from step \\d+ on, before the threads are free: that is at step ${cursor}\\.$`,
      ),
    )
  })

  it('counts the steps after those that set the scene, and opens at the step of both', async () => {
    open('two-minds', { preset: 'v5.7' })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText(/^Broken in 7 steps: /)
    await screen.findByText('Step 20 of its schedule: 7 steps after the 13 that set the scene.')
    expect(answer().getByText(/^What breaks it: tool still maps pfn 0x100000.*\.$/)).toBeTruthy()
    await userEvent.click(button('Open the schedule of noStalePte'))
    expect(getState().notice).toMatch(/^Broken here: .* This is step 20: step back/)
  })

  it('says of an answer that it is not about what the page shows now', async () => {
    open('gup-fast-vs-remove')
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText(/^Nothing breaks/)
    expect(screen.queryByText(/shows something else by now/)).toBeNull()
    act(() => changeSetup({ params: { cpus: 3 } }))
    expect(screen.getByText(/shows something else by now/)).toBeTruthy()
  })

  it('offers a model in Promela where it is small enough for the page, else names the command', async () => {
    open('gup-fast-vs-remove', { preset: 'v5.8', policies: { removalZap: 'leave' } })
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByRole('button', { name: 'Save as Promela, for SPIN' })
    const { checking } = getState()
    if (checking?.answer === undefined) throw new Error('no answer')
    const large: Answer = { ...checking.answer, states: 30_000, isComplete: true }
    act(() => setState({ checking: { ...checking, answer: large } }))
    expect(screen.queryByRole('button', { name: /Promela/ })).toBeNull()
    expect(answer().getByText(/^pinhole promela/).textContent).toBe(
      'pinhole promela gup-fast-vs-remove --kernel v5.8 --policy removalZap=leave --set cpus=2 --property removeDoneMeansUnheld --max-states 30000',
    )
  })

  it('names who waits for whom where a thread can hang, and the circle of a livelock', async () => {
    open('gup-fast-vs-remove')
    render(<CheckDialog onClose={() => {}} />)
    await userEvent.click(button('Check'))
    await screen.findByText(/^Nothing breaks/)
    const { checking } = getState()
    if (checking?.answer === undefined) throw new Error('no answer')
    const chain = [{ who: 'app', reason: 'waits for mmap_lock', state: 'D', for: ['root shell'] }]
    const hangs = [{ task: 1, who: 'app', because: 'circle', chain, depth: 12 }] as const
    const livelock = { who: ['app', 'root shell'], depth: 7, round: 4 }
    const found: Answer = { ...checking.answer, verdict: 'hang', hangs, livelock }
    act(() => setState({ checking: { ...checking, answer: found } }))
    expect(answer().getByText(/^app can hang, after 12 steps/)).toBeTruthy()
    const list = answer().getByRole('list', { name: 'Who waits for whom where app hangs' })
    expect(list.textContent).toBe('app (D) waits for mmap_lock → root shell')
    expect(answer().getByText(/^app and root shell, in a round of 4 steps/)).toBeTruthy()
  })
})

describe('the words of an answer', () => {
  const all: Answer = {
    verdict: 'limit',
    states: 1000,
    transitions: 2000,
    depth: 9,
    limit: 'states',
    isComplete: false,
    isReduced: false,
    properties: [],
    hangs: [],
    livelock: undefined,
  }

  it('claim nothing where the search was stopped', () => {
    for (const [limit, words] of [
      ['states', 'Stopped at the limit of states, after 1,000 states'],
      ['memory', 'Stopped at the limit of memory'],
      ['time', 'Stopped at the limit of time'],
      ['cancel', 'Cancelled, after 1,000 states'],
    ] as const) {
      expect(headline({ ...all, limit })).toContain(words)
      expect(headline({ ...all, limit })).toMatch(
        /nothing is broken so far, and nothing is proved\.$/,
      )
    }
  })

  it('begin with the nearest of what is broken, and count the others', () => {
    const property = (name: string, depth: number) =>
      ({ name, depth, kind: 'always', claim: `${name}.`, verdict: 'broken', says: '' }) as const
    const properties = [property('far', 9), property('near', 4)]
    expect(headline({ ...all, verdict: 'broken', limit: undefined, properties })).toBe(
      'Broken in 4 steps: near. 1 other property is broken too.',
    )
    expect(headline({ ...all, verdict: 'broken', properties })).toMatch(
      /Stopped at the limit of states: there may be more\.$/,
    )
  })

  it('name the circle of a livelock', () => {
    const livelock = { who: ['a', 'b'], depth: 1, round: 2 }
    expect(headline({ ...all, verdict: 'livelock', livelock, limit: undefined })).toBe(
      'a and b can go round for ever, after 1 step.',
    )
  })

  it('count, and do not pretend to count what is too large', () => {
    expect(counted(1, 'property')).toBe('1 property')
    expect(counted(2, 'context switch')).toBe('2 context switches')
    expect(figure(1e20)).toBe('more than 9,007,199,254,740,991')
  })
})
