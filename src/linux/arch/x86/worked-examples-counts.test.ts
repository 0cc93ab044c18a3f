import { describe, expect, it } from 'vitest'
import { bootPks, P, type PksKernel, Q } from '../../../testing/pks-kernel'
import { copy_thread } from './kernel/process'
import { kernelStore } from './mm/fault'
import { create_initial_pkrs_value, setup_pks } from './mm/pkeys'

const RFC = 'pks-rfc-2020'

describe('W15, the wrong conversion to kmap_thread()', () => {
  it('kills whom the pointer was given to, and nothing names the giver', () => {
    const k = bootPks(RFC)
    const row = () => [k.glob, k.msr(0), k.msr(1), `${k.ref('A')}/${k.ref('B')}`]
    const p = k.map('A', 'kmap_thread')
    expect(row()).toEqual(['FFFFFFFC', 'FFFFFFF0', 'FFFFFFFC', '1/0'])
    const b = k.task('B').begins(kernelStore, { pfn: P, mapping: p, value: 0x22 })
    b.runTo('judge')
    expect(row()).toEqual(['FFFFFFFC', 'FFFFFFF0', 'FFFFFFFC', '1/0'])
    b.runs()
    expect([...row(), k.fate('B')]).toEqual([
      'FFFFFFFC',
      'FFFFFFF0',
      'FFFFFFFC',
      '1/0',
      'oops 0x23',
    ])
    expect(k.log).toEqual(['BUG: protection keys violation, page 0x240001, error_code(0x0023): B'])
    expect(k.brokenNames).toEqual(['noFalseKill'])
  })

  it('is survived with kmap(), by the lazy path', () => {
    const k = bootPks(RFC)
    const p = k.map('A', 'kmap')
    k.writes('B', { mapping: p, value: 0x22 })
    expect([k.fate('B'), k.byte(), k.cost.faults]).toEqual(['alive', 0x22, 1])
  })

  it('is invisible on a machine without PKS', () => {
    const k = bootPks(RFC, {}, { hasPks: false })
    const p = k.map('A', 'kmap_thread')
    k.writes('B', { mapping: p, value: 0x22 })
    expect([k.fate('B'), k.byte(), k.brokenNames]).toEqual(['alive', 0x22, []])
    expect(k.cost).toEqual({ writes: 0, skipped: 0, ipis: 0, faults: 0 })
  })

  it('W15b: who unmaps for another underflows its own count', () => {
    const k = bootPks(RFC)
    const row = () => [k.saved('A'), k.msr(0), k.ref('A'), k.saved('B'), k.msr(1), k.ref('B')]
    const p = k.map('A', 'kmap_thread')
    expect(row()).toEqual(['FFFFFFF0', 'FFFFFFF0', 1, 'FFFFFFFC', 'FFFFFFFC', 0])
    k.unmap('B', p)
    expect(row()).toEqual(['FFFFFFF0', 'FFFFFFF0', 1, 'FFFFFFFC', 'FFFFFFFC', 4294967295])
    expect(k.brokenNames).toEqual(['noOpenKeyLeft'])
    const q = k.map('B', 'kmap_thread', Q)
    expect(row()).toEqual(['FFFFFFF0', 'FFFFFFF0', 1, 'FFFFFFFC', 'FFFFFFFC', 0])
    k.writes('B', { pfn: Q, mapping: q })
    expect([k.fate('B'), k.byte(Q)]).toEqual(['oops 0x23', 0])
    expect(k.brokenNames).toEqual(['noFalseKill'])
    k.writes('A', { pfn: Q + 5 })
    expect(k.byte(Q + 5)).toBe(0xbd)
  })
})

describe('W17, one count for two scopes', () => {
  const row = (k: PksKernel) => [k.glob, k.saved('A'), k.ref('A')]

  it('W17a: a global mapping in a local one is not global', () => {
    const k = bootPks(RFC)
    k.map('A', 'kmap_thread')
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFF0', 1])
    const p2 = k.map('A', 'kmap', Q)
    expect(row(k)).toEqual(['FFFFFFFC', 'FFFFFFF0', 2])
    k.writes('B', { pfn: Q, mapping: p2 })
    expect([k.glob, k.fate('B'), k.ref('A')]).toEqual(['FFFFFFFC', 'oops 0x23', 2])
    expect(k.brokenNames).toEqual(['noFalseKill'])
  })

  it('W17b: a local mapping in a global one keeps it global for ever', () => {
    const k = bootPks(RFC)
    const p2 = k.map('A', 'kmap', Q)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 1])
    const p1 = k.map('A', 'kmap_thread')
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 2])
    k.unmap('A', p2)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFF0', 1])
    k.unmap('A', p1)
    expect(row(k)).toEqual(['FFFFFFF0', 'FFFFFFFC', 0])
    expect(k.brokenNames).toEqual(['noOpenKeyLeft'])
    k.writes('B', { pfn: Q + 1 })
    expect([k.byte(Q + 1), k.brokenNames]).toEqual([
      0xbd,
      ['durability', 'windowOfThePage', 'windowByItself', 'noOpenKeyLeft'],
    ])
  })
})

describe('W18, the order of boot and PKRS', () => {
  const boot = (preset: string) =>
    bootPks(preset, {}, { threads: ['early', 'late'], atReset: true })
  const row = (k: PksKernel) => [hexInit(k), k.msr(0), k.msr(1)]
  const hexInit = (k: PksKernel) => k.kernel.pks.at(1).init.toString(16)

  it('goes from the first CPU over the early initcalls to the others', () => {
    const k = boot('pks-v7-2021')
    const refused = (operation: typeof setup_pks, who: string) =>
      operation.start?.refuse(k.kernel, {}, k.task(who).id)
    expect([refused(create_initial_pkrs_value, 'early'), refused(setup_pks, 'CPU1')]).toEqual([
      'Early is on no CPU.',
      'The early initcalls run before the other CPUs come up.',
    ])
    k.task('CPU0').begins(setup_pks).finishes()
    expect(refused(create_initial_pkrs_value, 'early')).toBeUndefined()
    k.task('early').begins(create_initial_pkrs_value).finishes()
    expect(refused(setup_pks, 'CPU1')).toBeUndefined()
  })

  it('leaves CPU0 open in v7', () => {
    const k = boot('pks-v7-2021')
    k.task('CPU0').begins(setup_pks).finishes()
    expect([...row(k), k.kernel.cpus.at(1).cr4_pks]).toEqual(['0', '00000000', '–', 1])
    k.task('early').begins(create_initial_pkrs_value).finishes()
    expect(row(k)).toEqual(['55555554', '00000000', '–'])
    k.task('CPU1').begins(setup_pks).finishes()
    expect(row(k)).toEqual(['55555554', '00000000', '55555554'])
    k.writes('early')
    expect(k.byte()).toBe(0xbd)
    expect(k.brokenNames).toEqual([
      'durability',
      'windowOfThePage',
      'windowByItself',
      'noOpenKeyLeft',
    ])
    k.task('early')
      .begins(copy_thread, { target: k.task('late').id })
      .finishes()
    k.switches(0, 'late')
    expect([k.msr(0), k.saved('early'), k.saved('late')]).toEqual([
      '55555554',
      '00000000',
      '55555554',
    ])
    k.switches(1, 'early')
    expect(k.msr(1)).toBe('00000000')
    k.writes('early', { pfn: Q })
    expect([k.byte(Q), k.cost.faults]).toEqual([0xbd, 0])
  })

  it('does not in v10, where the value is a constant', () => {
    const k = boot('pks-v10-2022')
    k.task('CPU0').begins(setup_pks).finishes()
    k.task('early').begins(create_initial_pkrs_value).finishes()
    k.task('CPU1').begins(setup_pks).finishes()
    expect(row(k)).toEqual(['55555554', '55555554', '55555554'])
    expect(k.brokenNames).toEqual([])
  })
})

describe('W19, a nested exception', () => {
  const row = (k: PksKernel) => [k.msr(0), k.saved('A'), frames(k)]
  const frames = (k: PksKernel) =>
    k.kernel.pkrsFrames.rows().map(({ pkrs }) => pkrs.toString(16).toUpperCase())

  it('gives the outer handler the rights of the thread, in v10', () => {
    const k = bootPks('pks-v10-2022')
    k.map('A', 'kmap_local_page')
    expect(row(k)).toEqual(['55555550', '55555550', []])
    k.enters(0)
    expect(row(k)).toEqual(['55555554', '55555550', ['55555550']])
    k.enters(0, 'nmi')
    expect(row(k)).toEqual(['55555554', '55555550', ['55555550', '55555550']])
    expect(k.brokenNames).toEqual([])
    k.exits(0)
    expect(row(k)).toEqual(['55555550', '55555550', ['55555550']])
    expect(k.brokenNames).toEqual(['registerAgrees'])
    k.writes('CPU0', { pfn: Q })
    expect([...row(k), k.byte(Q)]).toEqual(['55555550', '55555550', ['55555550'], 0xbd])
    expect(k.brokenNames).toEqual([
      'durability',
      'windowOfThePage',
      'windowByItself',
      'registerAgrees',
    ])
  })

  it('does not in the RFC of 2020, which saved the register', () => {
    const k = bootPks(RFC)
    k.map('A', 'kmap_thread')
    k.enters(0)
    k.enters(0, 'nmi')
    k.exits(0)
    expect([k.msr(0), k.brokenNames]).toEqual(['FFFFFFFC', []])
  })

  it('W19b: a relaxed fault leaves the window open, in v10', () => {
    const k = bootPks('pks-v10-2022')
    const values = () => [k.msr(0), k.saved('A'), k.ref('A')]
    const p = k.map('A', 'kmap')
    expect(values()).toEqual(['55555554', '55555554', 0])
    k.writes('A', { mapping: p, value: 0x11 })
    expect([...values(), k.byte()]).toEqual(['55555550', '55555550', 0, 0x11])
    expect(k.brokenNames).toEqual(['windowByItself', 'noOpenKeyLeft'])
    const { length } = k.log
    k.writes('A', { pfn: Q })
    expect([...values(), k.byte(Q), k.log.length]).toEqual([
      '55555550',
      '55555550',
      0,
      0xbd,
      length,
    ])
    k.unmap('A', k.map('A', 'kmap_local_page', Q + 1))
    expect(values()).toEqual(['55555554', '55555554', 0])
    expect(k.log).toEqual(['WARNING: page map protection disabled'])
  })

  it('W19b: strict, it is an oops at the first write', () => {
    const k = bootPks('pks-v10-2022', { pksFault: 'strict' })
    const p = k.map('A', 'kmap')
    k.writes('A', { mapping: p })
    expect([k.fate('A'), k.byte(), k.brokenNames]).toEqual(['oops 0x23', 0, []])
  })

  it('gives the key up for all of the system, in v7', () => {
    const k = bootPks('pks-v7-2021', {}, { threads: ['A', 'B', 'C'] })
    k.writes('A')
    expect([k.byte(), k.kernel.pks.at(1).allowed_mask.toString(16)]).toEqual([0xbd, 'fffffff3'])
    expect([k.msr(0), k.msr(1)]).toEqual(['55555550', '55555554'])
    k.switches(1, 'C')
    expect(k.msr(1)).toBe('55555550')
    k.writes('C', { pfn: Q })
    expect([k.byte(Q), k.cost.faults]).toEqual([0xbd, 1])
  })
})
