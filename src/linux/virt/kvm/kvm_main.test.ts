import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P } from '../../../testing/memory-kernel'
import { EFAULT, EHWPOISON } from '../../include/errno'
import { get_user_pages_fast } from '../../mm/gup'
import { injectPoison } from '../../mm/hwpoison-inject'
import { hva_to_pfn_slow } from './kvm_main'

const poisoned = () => {
  const k = bootMemory()
  k.task('kswapd0').begins(injectPoison, { pfn: P, found: 1, recorded: 0 }).finishes()
  expect(k.entry('parent')).toBe('hwpoison')
  return k
}
const touch = (k: MemoryKernel) =>
  k.task('parent').begins(hva_to_pfn_slow, { vpn: k.vpn, write: 1 })
const told = (k: MemoryKernel) => {
  const { signal, si_code, si_addr, si_addr_lsb } = k.task('parent').row
  return [signal, si_code, si_addr, si_addr_lsb]
}

describe('FOLL_HWPOISON', () => {
  it('has GUP say -EHWPOISON of poison, and the guest’s thread gets SIGBUS to pass on', () => {
    const k = poisoned()
    expect(touch(k).finishes()).toBe(-EHWPOISON)
    expect(told(k)).toEqual(['SIGBUS', 'BUS_MCEERR_AR', k.vpn, 12])
    expect(k.kernel.pinHandles.rows()).toEqual([])
  })

  it('is missing elsewhere: GUP says -EFAULT, and nobody is signalled', () => {
    const k = poisoned()
    const args = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    expect(k.task('parent').begins(get_user_pages_fast, args).finishes()).toBe(-EFAULT)
    expect(told(k)[0]).toBe('none')
  })

  it('changes nothing for memory that is well, or not there', () => {
    const k = bootMemory()
    const before = k.page(P)
    expect(touch(k).finishes()).toBe(0)
    expect([k.page(P), told(k)[0]]).toEqual([before.replace('L', 'LR'), 'none'])
    const nowhere = k.task('parent').begins(hva_to_pfn_slow, { vpn: 1, write: 1 })
    expect([nowhere.finishes(), told(k)[0]]).toEqual([-EFAULT, 'none'])
  })
})
