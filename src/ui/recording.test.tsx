import { cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scenarios } from '../scenarios'
import { changeSetup, openScenarioWith } from '../store/session'
import { resetStore } from '../store/store'
import { RecordedBadge } from './RecordedBadge'
import { replayRecording } from './recordings'

beforeEach(() => {
  resetStore()
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true
  }
})
afterEach(cleanup)

describe('the badge of a recorded scenario', () => {
  it('opens what the kernel printed beside what the engine says, step by step', async () => {
    render(<RecordedBadge />)
    await userEvent.click(screen.getByRole('button', { name: 'recorded on 6.12.117' }))
    expect(await screen.findByText('75 of 75 observed fields agree.')).toBeTruthy()
    const steps = screen.getByRole('region', { name: 'unbind' })
    expect(within(steps).getByText('2 echo ns > unbind (3s)')).toBeTruthy()
    const row = within(steps).getAllByRole('row', { name: /child\.A\.pte\.level|pte\.level/ })[0]
    expect(row?.textContent).toMatch(/✓ yes$/)
  })

  it('closes again', async () => {
    render(<RecordedBadge />)
    await userEvent.click(screen.getByRole('button', { name: 'recorded on 6.12.117' }))
    await userEvent.click(await screen.findByRole('button', { name: 'Close' }))
    expect(screen.queryByRole('dialog')).toBeNull()
  })

  it('does not speak for policies that the recorded kernel did not have', () => {
    changeSetup({ policies: { filesystem: 'ext4' } })
    render(<RecordedBadge />)
    expect(screen.getByRole('button').textContent).toBe('not recorded with these policies')
  })

  it('is not there where nothing was recorded', () => {
    const scenario = scenarios.find(({ recorded }) => recorded === undefined)
    if (scenario !== undefined) openScenarioWith(scenario)
    render(<RecordedBadge />)
    expect(screen.queryByRole('button')).toBeNull()
  })
})

describe('recordings of the page', () => {
  it.each(scenarios.flatMap(({ recorded }) => recorded?.file ?? []))(
    '%s is there, and agrees',
    async (file) => {
      const replayed = await replayRecording(file)
      if (typeof replayed === 'string') throw new Error(replayed)
      expect(replayed.agreed).toBe(replayed.compared)
      const all = replayed.steps.flatMap(({ compared = [] }) => compared)
      expect(all).toHaveLength(replayed.compared)
      expect(all.every(({ agrees }) => agrees)).toBe(true)
    },
  )

  it('say where there is none', async () => {
    expect(await replayRecording('../secret')).toBe('This recording does not come with the page.')
  })
})
