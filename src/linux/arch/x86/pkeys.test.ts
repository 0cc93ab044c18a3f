import { describe, expect, it } from 'vitest'
import { bootPks, P } from '../../../testing/pks-kernel'
import {
  directMapValue,
  faultCode,
  INIT_PKRS,
  INIT_PKRS_2020,
  isDenied,
  MSR_IA32_PKRS,
  PKR_AD,
  PKR_CLOSED_2020,
  PKR_WD,
  PKS_KEYS,
  pkrsText,
  rightsOf,
  withRights,
} from './pkeys'

const entry = (pkey: number) => directMapValue({ pfn: 0, flags: 0, pkey })

describe('the register and the entries (§4.1)', () => {
  it('have the key in bits 59 to 62 of an entry', () => {
    const inverted = entry(0)
    expect([1, 2, 15].map((key) => (entry(key) ^ inverted).toString(16))).toEqual([
      '800000000000000',
      '1000000000000000',
      '7800000000000000',
    ])
  })

  it('have two bits for each of 16 keys', () => {
    expect(MSR_IA32_PKRS).toBe(0x6e1)
    const closed = Array.from({ length: PKS_KEYS - 1 }, (_, i) => i + 1)
    const all = (rights: number) => closed.reduce((pkrs, key) => withRights(pkrs, key, rights), 0)
    expect(all(PKR_AD)).toBe(INIT_PKRS)
    expect(all(PKR_CLOSED_2020)).toBe(INIT_PKRS_2020)
    expect(rightsOf(INIT_PKRS, 15)).toBe(PKR_AD)
  })

  it('read as in the table of values', () => {
    const values = [
      withRights(INIT_PKRS, 1, 0),
      withRights(INIT_PKRS, 1, PKR_WD),
      withRights(INIT_PKRS, 2, 0),
      withRights(INIT_PKRS_2020, 1, 0),
      withRights(INIT_PKRS_2020, 1, PKR_WD),
    ]
    expect(values.map(pkrsText)).toEqual([
      '55555550',
      '55555558',
      '55555544',
      'fffffff0',
      'fffffff8',
    ])
  })

  it('need 11b for no access where rights are ANDed', () => {
    expect(pkrsText((0x55555554 & 0x55555558) >>> 0)).toBe('55555550')
    expect(pkrsText((0xfffffffc & 0xfffffff8) >>> 0)).toBe('fffffff8')
  })

  it.each([
    [0, true, true, false],
    [PKR_AD, false, true, true],
    [PKR_WD, false, true, false],
    [PKR_WD, true, true, true],
    [PKR_WD, true, false, false],
    [PKR_AD, true, false, true],
  ])('rights %i, write %s, CR0.WP %s: denied %s', (rights, write, wp, denied) => {
    expect(isDenied(rights, write, wp)).toBe(denied)
  })

  it('give error code 0x23 for a write and 0x21 for a read', () => {
    expect([faultCode(true), faultCode(false)]).toEqual([0x23, 0x21])
  })

  it('are in the direct map of pmem, and of pmem alone', () => {
    const { kernel } = bootPks('pks-v10-2022')
    const value = directMapValue(kernel.directMap.at(P))
    expect(value.toString(16)).toBe('8800000240001063')
    expect(kernel.directMap.at(0x200).pkey).toBe(0)
  })

  it('are in no entry where the kernel, or the CPU, has no keys', () => {
    const key = (k: ReturnType<typeof bootPks>) => k.kernel.directMap.at(P).pkey
    expect(key(bootPks('v6.12'))).toBe(0)
    expect(key(bootPks('pks-v10-2022', {}, { hasPks: false }))).toBe(0)
    const second = bootPks('pks-v10-2022', {}, { key: 2 })
    expect(key(second)).toBe(2)
    second.map('A', 'kmap_local_page')
    expect(second.msr(0)).toBe('55555544')
  })
})
