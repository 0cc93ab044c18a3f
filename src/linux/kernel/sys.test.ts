import { describe, expect, it } from 'vitest'
import { bootMemory, P } from '../../testing/memory-kernel'
import { EINVAL } from '../include/errno'
import { injectPoison } from '../mm/hwpoison-inject'
import { kernel_clone } from './fork'
import { prctlMceKill } from './sys'

const choose = (k: ReturnType<typeof bootMemory>, who: string, policy: string) =>
  k.task(who).begins(prctlMceKill, { policy }).finishes()

describe('prctl(PR_MCE_KILL)', () => {
  it('sets the flags of the calling thread alone', () => {
    const k = bootMemory()
    expect(choose(k, 'thread 2', 'early')).toBe(0)
    expect(['parent', 'thread 2', 'thread 3'].map((who) => k.task(who).row.mce_kill)).toEqual([
      'default',
      'early',
      'default',
    ])
  })

  it('decides whether lost memory is told of at once, and takes the choice back', () => {
    const signals = (policy: string) => {
      const k = bootMemory()
      choose(k, 'parent', 'early')
      choose(k, 'parent', policy)
      k.task('kswapd0').begins(injectPoison, { pfn: P, found: 1, recorded: 0 }).finishes()
      return k.task('parent').row.si_code
    }
    expect(['early', 'late', 'default'].map(signals)).toEqual(['BUS_MCEERR_AO', 'none', 'none'])
  })

  it('is inherited by a child', () => {
    const k = bootMemory()
    choose(k, 'parent', 'early')
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    expect(k.task('child').row.mce_kill).toBe('early')
  })

  it('knows no other choice', () => {
    const k = bootMemory()
    expect(choose(k, 'parent', 'sometimes')).toBe(-EINVAL)
    const operation = k.kernel.machine.operations.find(({ name }) => name === 'prctlMceKill')
    expect(operation?.start?.refuse?.(k.kernel, { policy: 'sometimes' }, 1)).toBe(
      'A policy is one of early, late, default.',
    )
  })
})
