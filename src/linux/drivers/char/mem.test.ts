import { describe, expect, it } from 'vitest'
import { bootIomem, node } from '../../../testing/iomem-kernel'
import { IORESOURCE } from '../../include/ioport'
import { kernel_clone } from '../../kernel/fork'
import { pin_user_pages_fast } from '../../mm/gup'
import { do_madvise } from '../../mm/madvise'
import { do_munmap } from '../../mm/mmap'
import { guestStore, hva_to_pfn_remapped } from '../../virt/kvm/kvm_pfnmap'
import { pmem_attach_disk } from '../nvdimm/pmem'
import { read_mem, write_mem } from './mem-rw'

const MEM = IORESOURCE.mem
const RAM = 0x81000200
const BAR = 0xf0000000
const F = BAR / 4096
const BUS = node('PCI Bus 0000:00', 0xe0000000, 0xfebfffff, MEM, [
  node('0000:01:00.0', BAR, BAR + 0xffff, MEM),
])
const LOW = [
  node('Reserved', 0x0, 0xfff, 0x80000200),
  node('System RAM', 0x1000, 0x9ffff, RAM),
  node('System RAM', 0x100000, 0x3fffffff, RAM),
]
const HIGH = node('System RAM', 0x100000000, 0x13fffffff, RAM)
const NODES = [
  { path: '/dev/mem', kind: 'mem' },
  { path: 'resource0', kind: 'resource', bar: BAR },
  { path: '/proc/bus/pci/01/00.0', kind: 'proc', bar: BAR },
  { path: '/dev/vfio/1', kind: 'vfio', bar: BAR },
  { path: '/dev/uio0', kind: 'uio', bar: BAR },
] as const
const PROC = '/proc/bus/pci/01/00.0'

type Policies = Readonly<Record<string, string>>
const boot = (policies: Policies = {}, preset = 'v6.12') =>
  bootIomem(preset, [...LOW, BUS, HIGH], { policies, nodes: NODES })
const bootUser = (policies: Policies = {}) =>
  bootIomem('v6.12', [...LOW, BUS, HIGH], {
    policies,
    nodes: NODES,
    users: [{ comm: 'T', pid: 1, isRoot: false }],
  })

describe('open()', () => {
  it('of /dev/mem wants CAP_SYS_RAWIO, and no lockdown', () => {
    expect(boot().open('T', '/dev/mem')).toBeGreaterThan(0)
    expect(bootUser().open('T', '/dev/mem')).toBe(-1)
    expect(boot({ lockdown: 'integrity' }).open('T', '/dev/mem')).toBe(-1)
  })

  it('of /dev/mem finds nothing before fs_initcall', () => {
    const k = bootIomem('v6.12', LOW, { early: true })
    expect(k.open('T', '/dev/mem')).toBe(-2)
  })

  it.each([
    ['v5.7', false, false],
    ['v5.8', true, false],
    ['v5.11', true, false],
    ['v5.12', true, true],
    ['v6.12', true, true],
  ])('%s: who joins the i_mmap of iomem_inode', (preset, mem, pci) => {
    const k = boot({}, preset)
    const joins = (path: string) =>
      k.kernel.files.at(k.open('T', path)).f_mapping === k.kernel.globals.iomem_inode
    expect(['/dev/mem', 'resource0', PROC, '/dev/vfio/1', '/dev/uio0'].map(joins)).toEqual([
      mem,
      pci,
      pci,
      false,
      false,
    ])
  })
})

describe('mmap()', () => {
  it.each([
    ['a hole', 0x50000, {}, 'ok'],
    ['behind the physical addresses', 2 ** 40, {}, '-EINVAL'],
    ['RAM', 0x200, {}, '-EPERM'],
    ['RAM of the first megabyte', 0x10, {}, 'ok'],
    ['RAM, STRICT_DEVMEM=n', 0x200, { strictDevmem: 'off' }, '-EINVAL'],
    ['a BAR, STRICT_DEVMEM=n', F, { strictDevmem: 'off' }, 'ok'],
    ['everything is denied', 0x50000, { iomemClaim: 'deny' }, '-EPERM'],
  ] as const)('of /dev/mem: %s', (_what, pfn, policies, answer) => {
    expect(boot(policies).mmap('T', pfn, 1)).toBe(answer)
  })

  it.each([
    ['the BAR', 0, 16, {}, 'ok'],
    ['more than the BAR', 0, 17, {}, '-EINVAL'],
    ['behind the BAR', 16, 1, {}, '-EINVAL'],
    ['locked down', 0, 1, { lockdown: 'integrity' }, '-EPERM'],
  ] as const)('of resource0: %s', (_what, pgoff, pages, policies, answer) => {
    expect(boot(policies).mmap('T', pgoff, pages, 'resource0')).toBe(answer)
  })

  it.each([
    ['the BAR', F, 16, {}, 'ok'],
    ['no BAR', F + 16, 1, {}, '-ENODEV'],
    ['locked down', F, 1, { lockdown: 'integrity' }, '-EPERM'],
  ] as const)('of /proc/bus/pci: %s', (_what, pgoff, pages, policies, answer) => {
    expect(boot(policies).mmap('T', pgoff, pages, PROC)).toBe(answer)
  })

  it('of /proc/bus/pci wants CAP_SYS_RAWIO; resource0 wants no capability', () => {
    expect(bootUser().mmap('T', F, 1, PROC)).toBe('-EPERM')
    expect(bootUser().mmap('T', 0, 1, 'resource0')).toBe('ok')
  })

  it.each([
    ['devmem-4.4', 'ok', 'ok', 'ok'],
    ['devmem-4.5', '-EPERM', '-EINVAL', 'ok'],
    ['v5.8', '-EPERM', '-EINVAL', 'ok'],
    ['v5.12', '-EPERM', '-EINVAL', '-EINVAL'],
    ['v6.12', '-EPERM', '-EINVAL', '-EINVAL'],
  ])('of what a driver has claimed, %s', (preset, mem, sysfs, proc) => {
    const k = boot({}, preset)
    k.claim('D', BAR, BAR + 0xffff)
    expect(k.mmap('T', F, 1, '/dev/mem', 'A')).toBe(mem)
    expect(k.mmap('T', 0, 1, 'resource0', 'B')).toBe(sysfs)
    expect(k.mmap('T', F, 1, PROC, 'C')).toBe(proc)
  })

  it('keeps every other mmap() of the process waiting', () => {
    const k = boot()
    k.maps('T', F, 1).runTo('remap')
    const { mm } = k.task('T').row
    expect(k.kernel.mms.at(mm).mmap_lock).toBe(k.task('T').id)
  })

  it('counts pages as vm_pgoff, whatever file it was', () => {
    const k = boot()
    k.mmap('T', F + 2, 1, '/dev/mem', 'A')
    k.mmap('T', 2, 1, 'resource0', 'B')
    k.mmap('T', F + 2, 1, PROC, 'C')
    expect(k.kernel.vmas.rows().map(({ vm_pgoff }) => vm_pgoff)).toEqual([F + 2, F + 2, F + 2])
  })
})

describe('read() and write() of /dev/mem', () => {
  const transfer = (operation: { name: string }, pos: number, length: number, policies = {}) => {
    const k = boot(policies)
    k.kernel.contents.fill(0x10, 0x11, { value: 0x4d })
    const args = { file: k.fileOf('T'), pos, length, value: 0x77 }
    const ret = k.task('T').begins(operation, args).finishes()
    return { k, ret, value: k.task('T').row.value }
  }

  it('end at high_memory, with -EFAULT', () => {
    expect(transfer(read_mem, 0x140000000, 1).ret).toBe(-14)
    expect(transfer(read_mem, 0x13fffffff, 1).ret).toBe(-1)
    expect(transfer(write_mem, 0x13ffff000, 8192).ret).toBe(-14)
  })

  it('see RAM of the first megabyte as zeros, and drop what is written there', () => {
    expect(transfer(read_mem, 0x10000, 4)).toMatchObject({ ret: 4, value: 0 })
    const written = transfer(write_mem, 0x10000, 4)
    expect([written.ret, written.k.byte(0x10)]).toEqual([4, 0x4d])
    expect(transfer(read_mem, 0x10000, 4, { devmemLowRam: 'allowed' }).value).toBe(0x4d)
  })

  it('refuse RAM with -EPERM, but not without STRICT_DEVMEM', () => {
    expect(transfer(read_mem, 0x200000, 4).ret).toBe(-1)
    expect(transfer(read_mem, 0x200000, 4, { strictDevmem: 'off' }).ret).toBe(4)
  })

  it('reach MMIO that is below the last RAM', () => {
    const { k, ret } = transfer(write_mem, BAR + 4096, 8192)
    expect([ret, k.byte(F + 1), k.byte(F + 2)]).toEqual([8192, 0x77, 0x77])
  })
})

describe('revocation', () => {
  it('reaches a child of fork: its area is linked before its entries are there', () => {
    const k = boot()
    k.mmap('T', F, 2)
    k.task('T').begins(kernel_clone, { name: 'child' }).finishes()
    const child = k.task('child').row.mm
    const { vm_start } = k.kernel.vmas.at(1)
    expect(k.kernel.ptes.in(child).has(vm_start)).toBe(true)
    k.claim('D', BAR, BAR + 0xfff)
    expect(k.kernel.ptes.in(child).has(vm_start)).toBe(false)
    expect(k.kernel.ptes.in(child).has(vm_start + 1)).toBe(true)
    expect(k.brokenNames).toEqual([])
  })

  it('in the middle of a fork finds the child as well', () => {
    const k = boot()
    k.mmap('T', F, 2)
    k.task('T').begins(kernel_clone, { name: 'child' }).runTo('next_area')
    k.claim('D', BAR, BAR + 0xffff)
    k.task('T').finishes()
    expect(k.brokenNames).toEqual([])
    expect(k.pte('T', F)).toBe('none')
  })

  it('waits for the page table lock of a fork that copies an entry', () => {
    const k = boot()
    k.mmap('T', F, 1)
    k.task('T').begins(kernel_clone, { name: 'child' }).runTo('set_child')
    const D = k.claims('D', BAR, BAR + 0xfff).runs()
    expect(D.reason).toBe('spins for a page table lock, which T holds')
    k.task('T').finishes()
    D.finishes()
    expect(k.brokenNames).toEqual([])
  })

  it('keeps mmap(), munmap() and fork() waiting while it walks', () => {
    const k = boot()
    k.mmap('T', F, 2)
    const other = k.maps('T2', F + 4, 1).runTo('link')
    k.claims('D', BAR, BAR + 0xfff).runTo('zap')
    const wait = 'waits for i_mmap_rwsem of iomem_inode: a claim walks over its areas'
    expect(other.runs().reason).toBe(wait)
    const T = k.task('T').begins(do_munmap, { vma: 1 }).runs()
    expect(T.reason).toBe(wait)
    k.task('D').finishes()
    expect(T.finishes()).toBe(0)
    expect(other.finishes()).toBeGreaterThan(0)
  })

  it('does nothing with iomem=relaxed, nor below 1 MiB', () => {
    const relaxed = boot({ iomemParam: 'relaxed' })
    relaxed.mmap('T', F, 1)
    relaxed.claim('D', BAR, BAR + 0xffff)
    expect(relaxed.pte('T', F)).toBe('present')
    const low = boot()
    low.mmap('T', 0xa0, 1)
    low.claim('D', 0xa0000, 0xa0fff)
    expect([low.pte('T', 0xa0), low.brokenNames]).toEqual(['present', []])
  })

  it.each([
    ['v5.8', 'none', 'present'],
    ['v5.11', 'none', 'present'],
    ['v5.12', 'none', 'none'],
    ['v5.7', 'present', 'present'],
  ])('%s: of /dev/mem, and of resource0', (preset, mem, sysfs) => {
    const k = boot({}, preset)
    k.mmap('T', F, 1, '/dev/mem', 'A')
    k.mmap('T', 0, 1, 'resource0', 'B')
    k.claim('D', BAR, BAR + 0xffff)
    expect([k.pte('T', F, 'A'), k.pte('T', F, 'B')]).toEqual([mem, sysfs])
  })

  it('leaves the area in place, which takes no pin and no advice', () => {
    const k = boot()
    k.mmap('T', F, 1)
    const { vm_start, id } = k.kernel.vmas.at(1)
    const pin = { start: vm_start, pages: 1, write: 1, longterm: 0, force: 0 }
    expect(k.task('T').begins(pin_user_pages_fast, pin).finishes()).toBe(-14)
    const advice = { vma: id, advice: 'DONTNEED' }
    expect(k.task('T').begins(do_madvise, advice).finishes()).toBe(-22)
    k.claim('D', BAR, BAR + 0xffff)
    expect(k.kernel.vmas.isLive(id)).toBe(true)
    expect(k.store('T', F, 1)).toBe('SIGBUS BUS_ADRERR')
    expect(k.task('T').row.si_addr).toBe(vm_start)
  })
})

describe('who else can reach a BAR (§5 of the iomem sheet)', () => {
  it.each([
    ['/dev/vfio/1', 'none'],
    ['/dev/uio0', 'present'],
  ])('%s has an i_mmap of its own: no claim touches it', (path, atFirst) => {
    const k = boot()
    expect(k.mmap('T', 0, 1, path)).toBe('ok')
    expect(k.pte('T', F)).toBe(atFirst)
    expect(k.store('T', F, 1)).toBe('ok')
    k.claim('D', BAR, BAR + 0xffff, 'vfio-pci')
    expect(k.pte('T', F)).toBe('present')
    expect(k.store('T', F, 2)).toBe('ok')
    expect(k.brokenNames).toEqual([])
  })

  it('a claim of vfio-pci revokes others, and keeps the native driver out', () => {
    const k = boot()
    k.mmap('T', F, 1)
    expect(k.claim('D', BAR, BAR + 0xffff, 'vfio-pci')).toBe('80000200')
    expect(k.pte('T', F)).toBe('none')
    expect(k.claim('D2', BAR, BAR + 0xffff, 'nvme')).toBe('-EBUSY')
  })

  it('a guest loses its second stage with the entry, through MMU notifiers', () => {
    const k = boot()
    k.mmap('T', F, 1)
    const { vm_start: vpn, vm_mm: mm } = k.kernel.vmas.at(1)
    const guest = (value: number) => k.task('T').begins(guestStore, { mm, vpn, value }).finishes()
    expect(guest(1)).toBe(-14)
    expect(k.task('T').begins(hva_to_pfn_remapped, { vpn }).finishes()).toBe(0)
    expect([guest(1), k.byte(F)]).toEqual([0, 1])
    k.claim('D', BAR, BAR + 0xffff)
    expect([guest(2), k.byte(F)]).toEqual([-14, 1])
    expect(k.task('T').begins(hva_to_pfn_remapped, { vpn }).finishes()).toBe(-14)
    expect(k.brokenNames).toEqual([])
  })

  it('fs-dax claims its range BUSY, and is in the i_mmap of its files', () => {
    const legacy = node('Persistent Memory (legacy)', 0x100000000, 0x1ffffffff, MEM)
    const namespace = { name: 'namespace0.0', start: 0x100000, end: 0x200000 }
    const k = bootIomem('v6.12', [legacy], { namespace, sizes: { namespaces: 1 } })
    k.task('D').begins(pmem_attach_disk, { device: 1 }).finishes()
    expect(k.mmap('T', 0x100000, 1)).toBe('-EPERM')
  })
})
