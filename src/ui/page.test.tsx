import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kernel_clone } from '../linux/kernel/fork'
import { userStore } from '../linux/mm/user-access'
import type { Target } from '../machine'
import { scenarios } from '../scenarios'
import { select } from '../store/attention'
import { loadScenarios } from '../store/library'
import { linkNow, openLink } from '../store/link'
import { begin, changeSetup, move, openScenarioWith, seek } from '../store/session'
import { getState, resetStore } from '../store/store'
import { bootMemory } from '../testing/memory-kernel'
import { App } from './App'
import { describeTarget } from './describe'
import { inspect } from './inspect'
import { shownThreads } from './shown-threads'
import { layoutTimeline } from './timeline-layout'

beforeEach(async () => {
  resetStore()
  await loadScenarios()
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true
  }
})
afterEach(cleanup)

const section = (name: string) => within(screen.getByRole('region', { name }))

describe('the page', () => {
  it('shows the next step of a thread, and takes it', async () => {
    render(<App />)
    begin(1, 'userLoad', { vpn: 1, value: 0, offset: 0 }, false)
    expect(await section('Threads').findByText('user load()')).toBeTruthy()
    await userEvent.click(screen.getByRole('button', { name: 'Step reader' }))
    expect(section('Threads').getByText('do_user_addr_fault()')).toBeTruthy()
  })

  it('goes through time by keys, unless somebody types', async () => {
    render(<App />)
    await userEvent.keyboard('{ArrowRight}{ArrowRight}{ArrowLeft}')
    expect(getState().opened.timeline.cursor).toBe(1)
    await userEvent.click(screen.getByRole('button', { name: 'Import' }))
    await userEvent.type(await screen.findByLabelText('Text to import'), '{ArrowRight}')
    expect(getState().opened.timeline.cursor).toBe(1)
  })

  it('has a slider that says where it stands', async () => {
    render(<App />)
    await userEvent.keyboard('{End}')
    const slider = screen.getByRole('slider', { name: 'Moment' })
    expect(slider.getAttribute('aria-valuetext')).toBe('step 129 of 129')
  })

  it('names the broken property, its step, and its object', async () => {
    render(<App />)
    await userEvent.keyboard('{End}')
    const properties = section('Properties')
    expect(properties.getByText('No present PTE maps a page whose pgmap is dead.')).toBeTruthy()
    await userEvent.click(properties.getByRole('button', { name: /maps pfn .*no struct page/ }))
    expect(section('Inspector').getByRole('heading', { name: /^Entry of reader/ })).toBeTruthy()
  })

  it('shows fields with what they were, and follows pointers', async () => {
    render(<App />)
    seek(64)
    select({ kind: 'pgmap', id: 1 })
    const inspector = section('Inspector')
    expect(await inspector.findByText('state')).toBeTruthy()
    await userEvent.click(inspector.getByRole('button', { name: 'Namespace namespace0.0' }))
    expect(inspector.getByRole('heading', { name: 'Namespace namespace0.0' })).toBeTruthy()
  })

  it('greys what cannot be begun, with the reason, and begins what can', async () => {
    render(<App />)
    fireEvent.click(screen.getByRole('button', { name: /^namespace0\.0; nd_pmem/ }))
    const menu = within(await screen.findByRole('dialog', { name: 'What can be done here' }))
    const bind = menu.getByRole('button', { name: /^Bind the pmem driver/ })
    expect(bind.getAttribute('aria-disabled')).toBe('true')
    expect(bind.textContent).toContain('The driver is bound already.')
    fireEvent.click(bind)
    expect(getState().opened.timeline.cursor).toBe(0)
    fireEvent.click(menu.getAllByRole('button', { name: /^Unbind the driver/ })[0] as HTMLElement)
    expect(getState().opened.timeline.kernel.namespaces.at(1).driver).toBe('none')
  })

  it('prints what the kernel logged', async () => {
    render(<App />)
    await userEvent.keyboard('{End}')
    expect(screen.getByRole('list', { name: 'Kernel log' }).textContent).toContain(
      'XFS (pmem0): Block device removal (0x20)',
    )
  })

  it('asks its question first, and then tells the story of the moment', async () => {
    render(<App />)
    const title = getState().opened.scenario.title
    expect(section('Story').getByRole('heading', { name: title })).toBeTruthy()
    await userEvent.click(section('Story').getByRole('button', { name: /^Play: The reader/ }))
    expect(
      section('Story').getByRole('heading', { name: 'The reader writes through A.' }),
    ).toBeTruthy()
    await userEvent.click(section('Story').getByRole('button', { name: /^Next: And through B/ }))
    expect(section('Story').getByRole('heading', { name: 'And through B.' })).toBeTruthy()
  })

  it('tells the story, and calls it recorded, only as long as a shared schedule goes the same', async () => {
    seek(20)
    begin(2, 'createFile', { superBlock: 1, name: '/mnt/x', size: 4096 }, false)
    const link = linkNow()
    if ('refused' in link) throw new Error(link.refused)
    resetStore()
    await openLink(link.fragment)
    render(<App />)
    const { scenario, timeline, passages } = getState().opened
    expect([timeline.branches.length, timeline.cursor]).toEqual([1, 21])
    const title = () => section('Story').getByRole('heading', { level: 3 }).textContent
    expect(title()).toBe(scenario.title)
    expect(screen.getByText('not recorded in this order')).toBeTruthy()
    expect(document.querySelector('.told .evidence')).toBeNull()
    act(() => move(-1))
    expect(title()).toBe(passages.find(({ to }) => to >= 20)?.title)
    expect(screen.getByText('recorded on 6.12.117')).toBeTruthy()
    // What the story does next is not what comes next here.
    expect(section('Story').queryByRole('button', { name: /^(Play|Next)/ })).toBeNull()
  })
})

describe('how sure the page is', () => {
  const open = (name: string, preset: string) => {
    const scenario = scenarios.find((each) => each.name === name)
    if (scenario === undefined) throw new Error(`there is no ${name}`)
    openScenarioWith(scenario, { preset })
    render(<App />)
  }

  it('marks a recorded passage as such, under the kernel of the recording alone', () => {
    open('the-mapper-comes-back', 'v6.12')
    act(() => seek(1))
    const mark = () => document.querySelector('.told .evidence')?.textContent
    expect(mark()).toMatch(/^recorded: seen on a real kernel/)
    expect(screen.getByText('recorded on 6.12.117')).toBeTruthy()
    act(() => changeSetup({ preset: 'v6.8' }))
    expect(mark()).toBeUndefined()
    expect(screen.getByText('not recorded with these policies')).toBeTruthy()
  })

  it('says what a mark means, to a screen reader as well, and in the help', async () => {
    open('the-read-fault-window', 'v6.12')
    const [mark] = screen.getAllByText('deduced from the source')
    expect(mark?.textContent).toContain('no kernel developer has said so')
    await userEvent.click(screen.getByRole('button', { name: 'Help' }))
    const help = within(await screen.findByRole('dialog'))
    expect(help.getByText('from memory')).toBeTruthy()
  })

  it('corrects what is often said, where a reader would think it', () => {
    open('unlink-while-pinned', 'v6.12')
    act(() => seek(38))
    const note = within(section('Story').getByRole('complementary', { name: /^Often said/ }))
    expect(note.getByText(/for an inode that has no VMA at all/)).toBeTruthy()
  })

  it('lists the rules in force with their sources', () => {
    open('devdax-under-a-pin', 'v6.12')
    const rules = section('Story').getByText('Rules in force').parentElement
    expect(rules?.textContent).toContain('for pgmap references alone (5.18+)')
    expect(rules?.textContent).toContain('memunmap_pages(), mm/memremap.c (6.12)')
  })
})

describe('the page of a memory scenario', () => {
  const open = (preset: string) => {
    const scenario = scenarios.find(({ name }) => name === 'rdma-and-fork')
    if (scenario === undefined) throw new Error('there is no rdma-and-fork')
    openScenarioWith(scenario, { preset })
    seek(getState().opened.timeline.length)
  }

  it('takes the rules of the kernel that is chosen, and keeps what was chosen besides', () => {
    open('v6.12')
    changeSetup({ preset: 'v5.1' })
    expect(getState().opened.setup.policies['cowReuse']).toBe('mapcount')
    changeSetup({ policies: { vmsplice: 'longterm' } })
    changeSetup({ preset: 'v5.9' })
    const { cowReuse, vmsplice } = getState().opened.setup.policies
    expect([cowReuse, vmsplice]).toEqual(['pageCount', 'longterm'])
  })

  it('inspects an entry with its value, and a page with its contents and holders', () => {
    open('v6.12')
    const { kernel } = getState().opened.timeline
    const names = (target: Target) => inspect(kernel, target, []).map(({ name }) => name)
    expect(names({ kind: 'pte', id: 1, key: 0x7fa097000 })[0]).toBe('value')
    expect(names({ kind: 'page', id: 0, key: 0x12345 })).toContain('stored_by')
    expect(inspect(kernel, { kind: 'swap_slot', id: 0, key: 1 }, [])).toEqual([])
  })

  it('names the kinds of objects that memory has', () => {
    open('v6.12')
    const { kernel } = getState().opened.timeline
    const nameOf = (kind: string) => describeTarget(kernel, { kind, id: 1 })
    expect([nameOf('zone'), nameOf('anon_vma'), nameOf('pin')]).toEqual([
      'ZONE_NORMAL',
      'anon_vma of app',
      'FOLL_PIN of 1 page',
    ])
  })

  it('gives eight threads a lane, those inside the kernel first, and counts the others', () => {
    const k = bootMemory({ machine: { sizes: { tasks: 40, mms: 30, vmas: 60 } } })
    for (let i = 0; i < 20; i++)
      k.task('parent')
        .begins(kernel_clone, { name: `c${i}` })
        .finishes()
    const last = k.task('c19').begins(userStore, { vpn: k.vpn, value: 1 }).step()
    const { shown, others } = shownThreads(k.kernel)
    expect([shown.length, shown.includes(last.id), others]).toEqual([8, true, 20])
  })

  it('hides threads that have exited', () => {
    open('v6.12')
    const { kernel } = getState().opened.timeline
    const child = kernel.tasks.find(({ name }) => name === 'child')
    if (child !== undefined) child.role = 'zombie'
    render(<App />)
    const lanes = document.querySelectorAll('.thread')
    expect([...lanes].map((lane) => lane.getAttribute('data-thread'))).toEqual(['app', 'mlx5_0'])
  })
})

describe('the timeline’s geometry', () => {
  it('gives every step a tick, and labels that do not touch', () => {
    seek(Number.MAX_SAFE_INTEGER)
    const { moments, length } = getState().opened.timeline
    const lanes = layoutTimeline(moments, length)
    expect(lanes.map(({ who, ticks }) => [who, ticks.length])).toEqual([
      ['reader', 92],
      ['root shell', 37],
    ])
    for (const { ticks } of lanes) {
      const labelled = ticks.filter(({ label }) => label !== undefined)
      labelled.forEach((tick, i) => {
        const next = labelled[i + 1]
        const halves = ((tick.label?.length ?? 0) + (next?.label?.length ?? 0)) * 0.0031
        if (next !== undefined) expect(next.x - tick.x).toBeGreaterThan(halves)
      })
    }
  })
})
