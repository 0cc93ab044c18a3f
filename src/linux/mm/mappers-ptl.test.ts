import { describe, expect, it } from 'vitest'
import { bootF1 } from '../../testing/truncate-kernel'
import { clear_refs_write } from '../fs/proc/task_mmu'

describe('unmapping a file', () => {
  it('waits for the page table lock of whoever is about to write one of its entries', () => {
    const k = bootF1('v6.12')
    const { mm } = k.task('A').row
    const tracer = k.task('B').begins(clear_refs_write, { mm }).runTo('clear_pte')
    const truncate = k.truncate().runs()
    expect(truncate.reason).toBe('spins for the page table lock, which B holds')
    tracer.finishes()
    truncate.finishes()
    expect(k.entry()).toBe('none')
  })
})
