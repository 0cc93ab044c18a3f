import { createFile } from '../linux/fs/file'
import { kernel_clone } from '../linux/kernel/fork'
import { prctlMceKill } from '../linux/kernel/sys'
import { injectPoison } from '../linux/mm/hwpoison-inject'
import { do_mmap } from '../linux/mm/mmap'
import { userLoad, userStore } from '../linux/mm/user-access'
import { bootMemory, type MemoryKernel, P } from './memory-kernel'
import { bootTest, P0, type TestKernel, vpnOf } from './test-kernel'

/** `BUS_MCEERR_AO 12`: the signal of a thread, and how much of memory it is about. */
export const signalOf = (k: TestKernel, who: string): string => {
  const { signal, si_code, si_addr_lsb } = k.task(who).row
  return signal === 'none' ? 'none' : `${si_code} ${si_addr_lsb}`
}

/** The patrol scrubber finds a page lost: memory_failure() without MF_ACTION_REQUIRED. */
export const scrub = (k: TestKernel, who: string, pfn: number, recorded = 0): number =>
  k.task(who).begins(injectPoison, { pfn, found: 1, recorded }).finishes()

/** A page goes bad, and nobody has noticed yet. */
export const goBad = (k: TestKernel, who: string, pfn: number, recorded = 0): number =>
  k.task(who).begins(injectPoison, { pfn, found: 0, recorded }).finishes()

/** The last line of the log, without where it is from. */
export const lastLine = (k: TestKernel): string =>
  k.kernel.log
    .rows()
    .at(-1)
    ?.line.replace(/^.*: 0x\w+: /, '') ?? ''

/** A thread asks to hear of lost memory at once. */
export const asksEarly = (k: TestKernel, who: string): number =>
  k.task(who).begins(prctlMceKill, { policy: 'early' }).finishes()

/** One page that A and B map. */
class SharedPage<K extends TestKernel> {
  constructor(
    readonly k: K,
    readonly pfn: number,
    readonly names: { readonly A: string; readonly B: string },
    readonly vpns: { readonly A: number; readonly B: number },
  ) {}

  /** What the entry is: `P` where it maps the page, `none`, or its kind. */
  entry(who: 'A' | 'B'): string {
    const ptes = this.k.kernel.ptes.in(this.k.task(this.names[who]).row.mm)
    if (!ptes.has(this.vpns[who])) return 'none'
    const { kind, pfn } = ptes.at(this.vpns[who])
    return kind !== 'leaf' ? kind : pfn === this.pfn ? 'P' : `0x${pfn.toString(16)}`
  }

  /** A load: its byte, or its signal. */
  touch(who: 'A' | 'B'): string {
    const task = this.k.task(this.names[who])
    task.begins(userLoad, { vpn: this.vpns[who], value: 0 }).finishes()
    const { signal, value } = task.row
    return signal === 'none' ? `0x${value.toString(16)}` : this.signal(who)
  }

  signal(who: 'A' | 'B'): string {
    return signalOf(this.k, this.names[who])
  }
}

/** A page of a file on an ordinary disk, or of tmpfs, that A, who is early-kill, and B map; written, or only read. */
export function bootDisk(write: boolean, type: 'xfs' | 'tmpfs' = 'xfs') {
  const processes = [
    { comm: 'parent', pid: 100 },
    { comm: 'B', pid: 200 },
  ]
  const k = bootMemory({ machine: { processes } })
  const { kernel } = k
  const superBlock = kernel.superBlocks.make({ s_type: type, s_id: 'sda1' }).id
  const made = { superBlock, name: '/f', size: 4096 }
  const inode = k.task('kswapd0').begins(createFile, made).finishes()
  if (type === 'xfs') kernel.diskBlocks.in(inode).fill(0, 1, { value: 0x77 })
  const maps = (who: string) => {
    const args = { inode, pages: 1, pgoff: 0, label: `F ${who}`, private: 0 }
    k.task(who).begins(do_mmap, args).finishes()
    return vpnOf(k, `F ${who}`)
  }
  const vpns = { A: maps('parent'), B: maps('B') }
  asksEarly(k, 'parent')
  if (write) k.task('parent').begins(userStore, { vpn: vpns.A, value: 0x11 }).finishes()
  for (const [who, vpn] of [
    ['parent', vpns.A],
    ['B', vpns.B],
  ] as const)
    k.task(who).begins(userLoad, { vpn, value: 0 }).finishes()
  k.drain()
  const { pfn } = kernel.pageCache.in(inode).at(0)
  const page = new SharedPage<MemoryKernel>(k, pfn, { A: 'parent', B: 'B' }, vpns)
  return Object.assign(page, { inode })
}

/** An anonymous page of A, who is early-kill, and of its child B, which is late-kill. */
export function bootAnon() {
  const k = bootMemory()
  k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
  asksEarly(k, 'parent')
  const names = { A: 'parent', B: 'child' }
  return new SharedPage<MemoryKernel>(k, P, names, { A: k.vpn, B: k.vpn })
}

/** File page 1025 of a DAX file, which A and B map with small entries; A early-kill or not, B late-kill. */
export function bootDax(early: boolean, policies: Readonly<Record<string, string>> = {}) {
  const k = bootTest(policies)
  const area = { inode: 1, pages: 4, pgoff: 1025, label: 'C', private: 0 }
  k.task('other').begins(do_mmap, area).finishes()
  const vpns = { A: vpnOf(k, 'B'), B: vpnOf(k, 'C') }
  k.task('app').begins(userStore, { vpn: vpns.A, value: 0x11 }).finishes()
  k.task('other').begins(userLoad, { vpn: vpns.B, value: 0 }).finishes()
  if (early) asksEarly(k, 'app')
  return new SharedPage(k, P0 + 1025, { A: 'app', B: 'other' }, vpns)
}
