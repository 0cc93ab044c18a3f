import { describe, expect, it } from 'vitest'
import { bootUntouched, P } from '../../testing/memory-kernel'
import { do_munmap } from './mmap'
import { lru_add_drain_cpu } from './swap'
import { userStore } from './user-access'

describe('W1: life of one anonymous page (6.12)', () => {
  it('has the counters and holders of every row', () => {
    const k = bootUntouched()
    const cpu = k.task('parent')
    expect(k.page(P)).toBe('0 / -1 (–)')
    cpu.begins(userStore, { vpn: k.vpn, value: 1 }).runTo('lock')
    expect(k.page(P)).toBe('1 / -1 (alloc1)')
    cpu.runTo('add_rmap')
    expect(k.page(P)).toBe('1 / -1 U (alloc1)')
    cpu.runTo('add_lru')
    expect(k.page(P)).toBe('1 / 0 UE (pte1)')
    expect(k.entry('parent')).toBe('none')
    cpu.runTo('set_pte')
    expect(k.page(P)).toBe('2 / 0 UE (pte1 lru1)')
    cpu.finishes()
    expect(k.page(P)).toBe('2 / 0 UE (pte1 lru1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(k.pteBits('parent')).toEqual(
      expect.arrayContaining(['present', 'rw', 'user', 'accessed', 'dirty', 'soft_dirty', 'nx']),
    )
    k.task('tracer').begins(lru_add_drain_cpu, { cpu: cpu.id }).finishes()
    expect(k.page(P)).toBe('1 / 0 UEL (pte1)')
    const area = k.kernel.vmas.find(({ label }) => label === 'A')
    cpu.begins(do_munmap, { vma: area?.id }).runTo('remove_rmap')
    expect(k.page(P)).toBe('1 / 0 UEL (pte1)')
    expect(k.kernel.ptes.in(1).runs()).toEqual([])
    cpu.runTo('clear_pte')
    expect(k.page(P)).toBe('1 / -1 UEL (zap1)')
    cpu.runTo('put')
    expect(k.page(P)).toBe('1 / -1 UEL (zap1)')
    expect(k.kernel.tlb.in(cpu.id).runs()).toEqual([])
    cpu.runTo('free')
    expect(k.page(P)).toBe('0 / -1 UEL (–)')
    cpu.finishes()
    expect(k.page(P)).toBe('0 / -1 (–)')
  })
})
