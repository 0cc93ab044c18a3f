import { cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { scenarios } from '../scenarios'
import type { Scenario } from '../scenarios/scenario'
import { openScenarioWith } from '../store/session'
import { getState, resetStore } from '../store/store'
import { CompareDialog } from './CompareDialog'

beforeEach(() => {
  resetStore()
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true
  }
  const race = scenarios.find(({ name }) => name === 'gup-fast-vs-remove')
  if (race !== undefined) openScenarioWith(race)
})
afterEach(cleanup)

async function opened() {
  const user = userEvent.setup()
  const onClose = vi.fn()
  render(<CompareDialog onClose={onClose} />)
  await user.click(screen.getByRole('tab', { name: 'This schedule' }))
  return { user, onClose, rows: screen.getByRole('region', { name: 'Step by step' }) }
}

describe('the schedule that is open, under two settings', () => {
  it('is folded where both sides go the same, and marked at the first step that differs', async () => {
    const { user, rows } = await opened()
    expect(screen.getByText('4 of 11 steps differ.')).toBeTruthy()
    const mark = within(rows).getByRole('rowheader', { name: 'The first step that differs' })
    const next = mark.closest('tr')?.nextElementSibling
    expect(next?.textContent).toContain('7remove: unmap_mapping_range()')
    expect(within(rows).queryByText(/^1$/)).toBeNull()
    await user.click(within(rows).getByRole('button', { name: '4 equal steps' }))
    expect(within(rows).getAllByText(/^1$/)).toHaveLength(2)
  })

  it('goes to the step that is chosen, on the side that is chosen', async () => {
    const { user, onClose, rows } = await opened()
    const [step] = within(rows).getAllByRole('button', { name: /unmap_mapping_range/ })
    await user.click(step as HTMLElement)
    expect(onClose).toHaveBeenCalled()
    expect(getState().opened.timeline.cursor).toBe(7)
    expect(getState().opened.setup.policies['removalZap']).toBe('zap')
  })

  it('opens the other side under its own setting', async () => {
    const { user, rows } = await opened()
    const steps = within(rows).getAllByRole('button', { name: /unmap_mapping_range/ })
    await user.click(steps[1] as HTMLElement)
    expect(getState().opened.setup.policies['removalZap']).not.toBe('zap')
    expect(getState().opened.timeline.cursor).toBe(7)
  })

  it('is copied as a unified diff', async () => {
    const { user } = await opened()
    await user.click(screen.getByRole('button', { name: 'Copy as unified diff' }))
    expect(await screen.findByRole('button', { name: 'Copied' })).toBeTruthy()
    const text = await navigator.clipboard.readText()
    expect(text).toMatch(/^--- a\/v6\.12\n\+\+\+ b\/v6\.12 removalZap=\w+\n@@ /)
  })

  it('says where both sides are the same', async () => {
    const { user } = await opened()
    const [a, b] = screen.getAllByRole('combobox', { name: /: kernel$/ })
    await user.selectOptions(a as HTMLElement, 'v5.9')
    await user.selectOptions(b as HTMLElement, 'v5.9')
    const rule = screen.getByRole('combobox', { name: /^B: (?!kernel)/ })
    await user.selectOptions(rule, '')
    expect(screen.getByText('The same under both, for all 10 steps.')).toBeTruthy()
  })
})

describe('every interleaving under two settings', () => {
  it('tells what only one side reaches, and opens it', async () => {
    const { user, onClose } = await opened()
    await user.click(screen.getByRole('tab', { name: 'Every interleaving' }))
    await user.click(screen.getByRole('button', { name: 'Compare every interleaving' }))
    const spaces = screen.getByRole('region', { name: 'Every interleaving' })
    const verdict = await within(spaces).findByRole('row', { name: /^removeDoneMeansUnheld/ })
    expect(verdict.textContent).toBe('removeDoneMeansUnheldholdsbroken')
    expect(within(spaces).getByRole('row', { name: /^States/ }).textContent).toBe('States171163')
    await user.click(within(spaces).getAllByText('This schedule on either side')[1] as HTMLElement)
    const rows = await within(spaces).findByRole('region', { name: 'Step by step' })
    const mark = within(rows).getByRole('rowheader', { name: 'The first step that differs' })
    const [left, right] = mark.closest('tr')?.nextElementSibling?.children ?? []
    expect(left?.textContent).not.toBe(right?.textContent)
    await user.click(within(spaces).getByRole('button', { name: 'Open under B' }))
    expect(onClose).toHaveBeenCalled()
    const { timeline } = getState().opened
    expect([timeline.cursor, timeline.length]).toEqual([3, 3])
  })

  it('says which property is broken on both sides, and how soon on each', async () => {
    const user = userEvent.setup()
    const race = scenarios.find(({ name }) => name === 'fork-races-a-pin')
    openScenarioWith(race as Scenario, { preset: 'v5.8' })
    render(<CompareDialog onClose={() => {}} />)
    await user.click(screen.getByRole('tab', { name: 'Every interleaving' }))
    const [, b] = screen.getAllByRole('combobox', { name: /: kernel$/ })
    await user.selectOptions(b as HTMLElement, 'v5.9')
    for (const rule of screen.getAllByRole('combobox', { name: /^B: (?!kernel)/ }))
      await user.selectOptions(rule, '')
    await user.click(screen.getByRole('button', { name: 'Compare every interleaving' }))
    const row = await screen.findByRole('row', { name: /^gupFastSeesFork/ })
    expect(row.textContent).toBe('gupFastSeesForkbroken in 16 stepsbroken in 16 steps')
    expect(screen.getByRole('row', { name: /^gupCoherency/ }).textContent).toBe(
      'gupCoherencybroken in 41 stepsbroken in 40 steps',
    )
  })
})
