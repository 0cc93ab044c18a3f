import { cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dev_dax_remove } from '../linux/drivers/dax/device'
import { directRead } from '../linux/fs/direct-io'
import { truncateArgs } from '../linux/fs/shrink'
import { noDeadlock } from '../linux/invariants/no-deadlock'
import { userLoad } from '../linux/mm/user-access'
import { loadScenarios } from '../store/library'
import { begin, runTask } from '../store/session'
import { getState, resetStore } from '../store/store'
import { truncateMistakes } from '../testing/dax-mistakes'
import { withMistake } from '../testing/mutate'
import { bootDevice, type RemovalKernel } from '../testing/removal-kernel'
import { bootF1, type TruncateKernel } from '../testing/truncate-kernel'
import { App } from './App'
import { Deadlock, WaitsFor } from './WaitsFor'

beforeEach(resetStore)
afterEach(cleanup)

/** The list of a thread, entry by entry, as a screen reader has it. */
function listOf(k: RemovalKernel, who: string): (string | null)[] {
  render(<WaitsFor kernel={k.kernel} id={k.task(who).id} />)
  const list = within(screen.getByRole('list', { name: `Who keeps ${who} waiting` }))
  return list.getAllByRole('listitem').map(({ textContent }) => textContent)
}

/** W9 with MMAPLOCK kept: A faults between two pins, and T sleeps. */
const circle = (): TruncateKernel =>
  withMistake(truncateMistakes.keepsMmaplock, () => {
    const k = bootF1('v6.12', { pages: 2 })
    const a = k.gup('A', 'PIN', { pages: 2 }).runTo('slow')
    k.truncate().runs()
    a.runs()
    return k
  })

describe('a thread that waits', () => {
  it('names each holder with what it has, and says whether a signal ends the wait', () => {
    const k = circle()
    expect(listOf(k, 'T')).toEqual(['→ A, FOLL_PIN', 'S: a signal ends it'])
    expect(listOf(k, 'A')).toEqual(['→ T', 'D: no signal ends it'])
  })

  it('says of a pin whose call is over that the hardware ends it', () => {
    const k = bootF1('v6.12')
    k.gup('A', 'PIN').finishes()
    k.truncate().runs()
    expect(listOf(k, 'T')[0]).toBe('→ A, FOLL_PIN, until the hardware is done')
  })

  it('says of a long-term pin that it may last', () => {
    const k = bootDevice('v5.12')
    k.load('A', userLoad)
    k.registers('A').finishes()
    k.task('R').begins(dev_dax_remove, { device: 1 }).runs()
    expect(listOf(k, 'R')).toEqual([
      '→ A, FOLL_PIN|FOLL_LONGTERM, RDMA region, for as long as it likes',
      'D: no signal ends it',
    ])
  })

  it('names what no thread has', () => {
    const k = bootF1('v6.12')
    k.task('A')
      .begins(directRead, { vpn: k.vpn('A'), value: 0 })
      .runs()
    expect(listOf(k, 'A')[0]).toBe('→ the disk, until the hardware is done')
  })

  it('has no list where it can go on', () => {
    const k = bootF1('v6.12')
    const { container } = render(<WaitsFor kernel={k.kernel} id={k.task('A').id} />)
    expect(container.innerHTML).toBe('')
  })
})

describe('a circle', () => {
  it('is told with its members, and is what the property says', () => {
    const k = circle()
    render(<Deadlock kernel={k.kernel} />)
    expect(screen.getByRole('alert').textContent).toBe('deadlock: A → T → A')
    expect(k.broken(noDeadlock)).toBe('A waits for T, and T waits for A')
  })

  it('is not told where there is none', () => {
    const { container } = render(<Deadlock kernel={bootF1('v6.12').kernel} />)
    expect(container.innerHTML).toBe('')
  })
})

it('leads from the holder’s name to the holder', async () => {
  await loadScenarios()
  render(<App />)
  const { kernel } = getState().opened.timeline
  const area = kernel.vmas.at(1).vm_start
  begin(1, 'userLoad', { vpn: area, value: 0, offset: 0 }, true)
  begin(1, 'pin_user_pages_fast', { start: area, pages: 1, write: 0, longterm: 0, force: 0 }, true)
  begin(2, 'xfs_vn_setattr', { ...truncateArgs(kernel, 1, 0) }, true)
  runTask(2)
  const list = await screen.findByRole('list', { name: 'Who keeps root shell waiting' })
  await userEvent.click(within(list).getByRole('button', { name: 'reader' }))
  expect(getState().selected).toEqual({ kind: 'task', id: 1 })
})
