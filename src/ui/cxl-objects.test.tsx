import { act, cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Target } from '../machine'
import { scenarios } from '../scenarios'
import { select } from '../store/attention'
import { isThere, menuFor } from '../store/menu'
import { begin, openScenarioWith } from '../store/session'
import { getState, resetStore } from '../store/store'
import { BoardPanel } from './BoardPanel'
import { describeTarget } from './describe'
import { Inspector } from './Inspector'
import { inspect } from './inspect'

beforeEach(() => {
  resetStore()
  const scenario = scenarios.find(({ name }) => name === 'cxl-surprise-removal')
  if (scenario !== undefined) openScenarioWith(scenario)
})
afterEach(cleanup)

const timeline = () => getState().opened.timeline
const kernel = () => timeline().kernel
const menu = (target: Target) =>
  menuFor(timeline(), target).map(({ operation, refused }) => [operation, refused ?? 'can be'])

const MEM0 = { kind: 'cxl_memdev', id: 1 }

describe('menus of CXL', () => {
  it('let a card be pulled, and another one put in once the slot is empty', () => {
    expect(menu(MEM0)).toEqual([
      ['pciehp_configure_device', 'There is a card in the slot.'],
      ['pciehp_unconfigure_device', 'can be'],
      ['pullCable', 'can be'],
      ['cxl_region_attach', 'There is no region that waits for targets.'],
    ])
    begin(2, 'pullCable', { memdev: 1 }, true)
    expect(menu(MEM0)[2]).toEqual(['pullCable', 'The link is down already.'])
    begin(2, 'pciehp_unconfigure_device', { memdev: 1 }, true)
    expect(menu(MEM0).slice(0, 2)).toEqual([
      ['pciehp_configure_device', 'can be'],
      ['pciehp_unconfigure_device', 'It is gone already.'],
    ])
  })

  it('offline a memory block, and online it again', () => {
    const target = { kind: 'memory_block', id: 0, key: 147 }
    const stateOf = () => menuFor(timeline(), target)[0]?.args['state']
    expect(stateOf()).toBe('offline')
    begin(2, 'state_store', { block: 147, state: 'offline' }, true)
    expect(stateOf()).toBe('online_movable')
  })

  it('reset a region that is committed, and commit one that is not', () => {
    const commit = () =>
      menuFor(timeline(), { kind: 'cxl_region', id: 1 }).find(
        ({ operation }) => operation === 'commit_store',
      )?.args['commit']
    expect(commit()).toBe(0)
    begin(2, 'commit_store', { region: 1, commit: 0 }, true)
    expect(commit()).toBe(1)
  })

  it('open from the drawing, and pull the card', async () => {
    render(<BoardPanel />)
    await userEvent.click(await screen.findByRole('button', { name: /^mem0; 256 MiB; link up/ }))
    const open = within(await screen.findByRole('dialog', { name: 'What can be done here' }))
    expect(open.getByText('CXL memory device mem0')).toBeTruthy()
    await userEvent.click(open.getByRole('button', { name: /^Pull it out by/ }))
    expect(kernel().cxlMemdevs.at(1).link).toBe('down')
    expect(await screen.findByRole('button', { name: /^mem0; 256 MiB; ✕ pulled out/ })).toBeTruthy()
  })
})

describe('the inspector of CXL and DAX objects', () => {
  it.each([
    ['cxl_port', 'CXL port root0', 'commit_end'],
    ['cxl_memdev', 'CXL memory device mem0', 'gen'],
    ['cxl_decoder', 'HDM decoder decoder0.0', 'committed'],
    ['cxl_region', 'CXL region region0', 'state'],
    ['dev_dax', 'DAX device dax0.0', 'target_node'],
  ])('names a %s, and shows its fields', (kind, name, field) => {
    const target = { kind, id: 1 }
    expect(describeTarget(kernel(), target)).toBe(name)
    expect(inspect(kernel(), target, []).map((each) => each.name)).toContain(field)
  })

  it('cites where the kernel declares what is selected', async () => {
    render(<Inspector />)
    act(() => select({ kind: 'cxl_decoder', id: 1 }))
    expect(await screen.findByText('struct cxl_decoder, drivers/cxl/cxl.h')).toBeTruthy()
    act(() => select({ kind: 'pgmap', id: 1 }))
    expect(screen.getByText(/^struct dev_pagemap, .*percpu-refcount\.h$/)).toBeTruthy()
  })

  it('shows a memory block until it is removed', () => {
    const target = { kind: 'memory_block', id: 0, key: 144 }
    expect(describeTarget(kernel(), target)).toBe('Memory block memory144')
    expect(inspect(kernel(), target, []).map(({ name }) => name)).toContain('isolated')
    expect(isThere(kernel(), { ...target, key: 148 })).toBe(false)
  })

  it('shows a slot of i_pages with its value, and a pgmap with its completion', () => {
    resetStore()
    timeline().seek(Number.MAX_SAFE_INTEGER)
    const entry = { kind: 'dax_entry', id: 1, key: 0 }
    expect(describeTarget(kernel(), entry)).toBe('DAX entry 0 of /mnt/a')
    expect(inspect(kernel(), entry, []).slice(0, 2)).toMatchObject([
      { name: 'value', value: '0x604002' },
      { name: 'slot', value: '0xc08005' },
    ])
    expect(inspect(kernel(), { kind: 'pgmap', id: 1 }, []).at(-1)).toMatchObject({
      name: 'done',
      value: 'completed',
    })
  })
})
