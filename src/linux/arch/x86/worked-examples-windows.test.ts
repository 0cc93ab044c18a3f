import { describe, expect, it } from 'vitest'
import { ending } from '../../../machine'
import { bootPks, type PksKernel, Q } from '../../../testing/pks-kernel'
import { dev_access_disable } from '../../mm/devmap-protection'
import { kunmapPage } from '../../mm/highmem'
import { kernelStore } from './mm/fault'

const RFC = 'pks-rfc-2020'

describe('W14a, a window with an interrupt and a context switch in it', () => {
  const row = (k: PksKernel) => [k.msr(0), k.cache(0), k.saved('A'), k.ref('A'), k.stack(0)]

  it('holds in the RFC of 2020', () => {
    const k = bootPks(RFC, {}, { cpus: 1 })
    const p = k.map('A', 'kmap_thread')
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 1, '–'])
    k.enters(0)
    const frame = '[{FFFFFFF0,FFFFFFF0,1}]'
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFFC', 'FFFFFFF0', 0, frame])
    const q = k.map('CPU0', 'kmap_atomic', Q)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 1, frame])
    k.unmap('CPU0', q)
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFFC', 'FFFFFFFC', 0, frame])
    k.exits(0)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 1, '–'])
    k.switches(0, 'B')
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFFC', 'FFFFFFF0', 1, '–'])
    k.writes('B', { pfn: Q })
    expect([k.msr(0), k.fate('B'), k.byte(Q)]).toEqual(['FFFFFFFC', 'oops 0x23', 0])
    k.switches(0, 'A')
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 1, '–'])
    k.writes('A', { mapping: p, value: 0x11 })
    k.unmap('A', p)
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFFC', 'FFFFFFFC', 0, '–'])
    expect([k.glob, k.byte(), k.brokenNames]).toEqual(['FFFFFFFC', 0x11, []])
  })

  it('holds in v10, whose handler maps nothing', () => {
    const k = bootPks('pks-v10-2022', { pksFault: 'strict' }, { cpus: 1 })
    const p = k.map('A', 'kmap_local_page')
    const values = [k.msr(0)]
    k.enters(0)
    values.push(k.msr(0))
    k.exits(0)
    values.push(k.msr(0))
    k.switches(0, 'B')
    values.push(k.msr(0))
    k.writes('B', { pfn: Q })
    k.switches(0, 'A')
    k.unmap('A', p)
    values.push(k.msr(0))
    expect(values).toEqual(['55555550', '55555554', '55555550', '55555554', '55555554'])
    expect([k.fate('B'), k.byte(Q), k.brokenNames]).toEqual(['oops 0x23', 0, []])
  })

  it('and where a v10 handler maps inside a window, the count hides it (§4.5)', () => {
    const k = bootPks('pks-v10-2022', { pksFault: 'strict' })
    k.map('A', 'kmap_local_page')
    k.enters(0)
    const q = k.map('CPU0', 'kmap_atomic', Q)
    expect([k.ref('A'), k.msr(0)]).toEqual([2, '55555554'])
    k.writes('CPU0', { pfn: Q, mapping: q })
    expect(k.fate('A')).toBe('oops 0x23')
    expect(k.log.at(-1)).toContain('Kernel panic')
    expect(k.brokenNames).toContain('noFalseKill')
  })

  it('counts what it costs: writes of PKRS, and those that the cache saves (§4.7)', () => {
    const k = bootPks(RFC)
    const p = k.map('A', 'kmap_thread')
    const q = k.map('A', 'kmap_thread', Q)
    k.unmap('A', q)
    k.unmap('A', p)
    expect(k.cost).toEqual({ writes: 2, skipped: 0, ipis: 0, faults: 0 })
    k.switches(0, 'A')
    expect(k.cost.skipped).toBe(0)
  })
})

describe('W14, the hole of a global kmap()', () => {
  const row = (k: PksKernel) => [
    k.glob,
    k.msr(0),
    k.msr(1),
    k.saved('A'),
    k.saved('B'),
    `${k.ref('A')}/${k.ref('B')}`,
  ]
  const closed = ['FFFFFFFC', 'FFFFFFFC', 'FFFFFFFC', 'FFFFFFFC', 'FFFFFFFC', '0/0']
  const held = ['FFFFFFF0', 'FFFFFFF0', 'FFFFFFFC', 'FFFFFFF0', 'FFFFFFFC', '1/0']
  const open = ['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', 'FFFFFFFC', '1/0']

  it('lets a stray write through, and more after it silently', () => {
    const k = bootPks(RFC)
    expect(row(k)).toEqual(closed)
    const p = k.map('A', 'kmap')
    expect(row(k)).toEqual(held)
    const b = k.task('B').begins(kernelStore, { pfn: Q, mapping: 0, value: 0xbd })
    b.runTo('judge')
    expect(row(k)).toEqual(held)
    b.runTo('access')
    expect(row(k)).toEqual(open)
    b.finishes()
    expect([...row(k), k.byte(Q)]).toEqual([...open, 0xbd])
    expect(k.brokenNames).toEqual(['durability', 'windowOfThePage', 'windowByItself'])
    k.writes('B', { pfn: Q + 1 })
    expect([k.byte(Q + 1), k.cost.faults, k.log]).toEqual([0xbd, 1, []])
    k.unmap('A', p)
    expect(row(k)).toEqual(closed)
    expect(k.cost.ipis).toBe(1)
    k.writes('B', { pfn: Q + 2 })
    expect([k.fate('B'), k.byte(Q + 2)]).toEqual(['oops 0x23', 0])
  })

  it('W14b: stays open when the fault overtakes the restriction', () => {
    const k = bootPks(RFC)
    const p = k.map('A', 'kmap')
    const b = k.task('B').begins(kernelStore, { pfn: Q, mapping: 0, value: 0xbd })
    b.runTo('fix')
    const a = k.task('A').begins(kunmapPage, { mapping: p }).runs()
    expect(a.reason).toBe('waits for the IPI: interrupts are off on CPU1')
    expect([k.glob, k.cache(1), k.kernel.cpus.at(2).pending_ipi]).toEqual([
      'FFFFFFFC',
      'FFFFFFFC',
      1,
    ])
    b.runTo('access')
    expect(k.msr(1)).toBe('FFFFFFF0')
    a.finishes()
    expect([k.glob, k.msr(1), k.saved('B'), k.ref('A')]).toEqual([
      'FFFFFFFC',
      'FFFFFFF0',
      'FFFFFFFC',
      0,
    ])
    b.finishes()
    expect(k.byte(Q)).toBe(0xbd)
    expect(k.brokenNames).toEqual([
      'durability',
      'windowOfThePage',
      'windowByItself',
      'registerAgrees',
      'noOpenKeyLeft',
    ])
    k.writes('B', { pfn: Q + 1 })
    expect([k.byte(Q + 1), k.log]).toEqual([0xbd, []])
  })

  it('W14b: until the next context switch', () => {
    const k = bootPks(RFC, {}, { threads: ['A', 'B', 'C'] })
    const p = k.map('A', 'kmap')
    const b = k.task('B').begins(kernelStore, { pfn: Q, mapping: 0, value: 0xbd })
    b.runTo('fix')
    const a = k.task('A').begins(kunmapPage, { mapping: p }).runs()
    b.finishes()
    a.finishes()
    k.switches(1, 'C')
    expect(k.msr(1)).toBe('FFFFFFFC')
  })
})

describe('W16, two global holders', () => {
  const row = (k: PksKernel) => [k.glob, k.msr(1), k.saved('B'), `${k.ref('A')}/${k.ref('B')}`]
  const until = () => {
    const k = bootPks(RFC, {}, { threads: ['A', 'B', 'C'] })
    const a = k.map('A', 'kmap')
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFFC', 'FFFFFFFC', '1/0'])
    const b = k.map('B', 'kmap', Q)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 'FFFFFFF0', '1/1'])
    k.unmap('A', a)
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFFC', 'FFFFFFF0', '0/1'])
    return { k, b }
  }

  it('kills the one that is still mapping', () => {
    const { k, b } = until()
    k.writes('B', { pfn: Q, mapping: b })
    expect([...row(k).slice(0, 3), k.fate('B')]).toEqual([
      'FFFFFFFC',
      'FFFFFFFC',
      'FFFFFFF0',
      'oops 0x23',
    ])
    expect(k.brokenNames).toEqual(['noFalseKill'])
  })

  it('spares it if it was scheduled out and in before', () => {
    const { k, b } = until()
    k.switches(1, 'C')
    k.switches(1, 'B')
    expect(k.msr(1)).toBe('FFFFFFF0')
    k.writes('B', { pfn: Q, mapping: b })
    expect([k.fate('B'), k.byte(Q), k.brokenNames]).toEqual(['alive', 0xbd, []])
  })

  it('has the scheduler bring back who was scheduled out inside a call, so that nobody hangs by that', () => {
    const k = bootPks(RFC, {}, { threads: ['A', 'B', 'C'] })
    const b = k.task('B').begins(kernelStore, { pfn: Q, mapping: k.map('B', 'kmap', Q), value: 1 })
    k.switches(1, 'C')
    const { machine } = k.kernel
    expect([b.reason, ending(k.kernel, b.id)]).toEqual(['waits: B is on no CPU', undefined])
    expect(machine.holders(b.id)).toEqual([
      { task: 0, by: 'the scheduler, by an interrupt of the timer', until: 'hardware' },
    ])
    k.switches(1, 'B')
    expect(machine.canStep(b.id)).toBe(true)
  })

  it('W16b: deadlocks where two restrict at once', () => {
    const k = bootPks(RFC)
    const [a, b] = [k.map('A', 'kmap'), k.map('B', 'kmap', Q)]
    const second = k.task('B').begins(kunmapPage, { mapping: b }).runTo('count')
    second.step()
    const first = k.task('A').begins(kunmapPage, { mapping: a }).runs()
    second.runs()
    expect(k.kernel.pks.at(1).pkrs_global_lock).toBe(k.task('A').id)
    expect([first.reason, second.reason]).toEqual([
      'waits for the IPI: interrupts are off on CPU1',
      'spins for pkrs_global_lock, interrupts off: A holds it',
    ])
  })
})

describe('the review of the RFC', () => {
  const unmapped = (pksRestrict: string) => {
    const k = bootPks(RFC, { pksRestrict })
    k.unmap('A', k.map('A', 'kmap'))
    return k
  }

  it('found a preempt count that nobody took', () => {
    const k = unmapped('asPosted')
    expect(k.kernel.cpus.at(1).preempt_count).toBe(-2)
    expect(unmapped('balanced').kernel.cpus.at(1).preempt_count).toBe(0)
  })

  it('found the plain store into the cache of another CPU, which a write there then trusts', () => {
    const race = (pksRestrict: string) => {
      const k = bootPks(RFC, { pksRestrict }, { threads: ['A', 'B', 'C'] })
      const a = k.map('A', 'kmap')
      k.writes('B', { pfn: Q })
      expect([k.cache(1), k.msr(1)]).toEqual(['FFFFFFF0', 'FFFFFFF0'])
      const closing = k.task('A').begins(kunmapPage, { mapping: a }).runTo('next')
      closing.step()
      if (closing.next === 'remote_store') closing.step()
      k.switches(1, 'C')
      return [k.cache(1), k.msr(1)]
    }
    expect(race('balanced')).toEqual(['FFFFFFFC', 'FFFFFFF0'])
    expect(race('onTheCpu')).toEqual(['FFFFFFFC', 'FFFFFFFC'])
  })

  it('asked for the cost: one IPI for every other CPU', () => {
    const k = bootPks(RFC, {}, { cpus: 4, threads: ['A', 'B', 'C', 'D'] })
    k.unmap('A', k.map('A', 'kmap'))
    expect(k.cost.ipis).toBe(3)
    expect(dev_access_disable.steps.map(({ name }) => name)).toContain('await')
  })
})
