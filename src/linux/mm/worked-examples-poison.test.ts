import { describe, expect, it } from 'vitest'
import { bootAnon, bootDax, bootDisk, goBad, lastLine, scrub } from '../../testing/poison-kernel'
import { dmaWrite } from '../drivers/dma/engine'
import { EBUSY, EIO } from '../include/errno'
import { PG } from '../include/page-flags'
import { memoryInvariants } from '../invariants/families/memory'
import { bytesOf } from './contents'
import { hasFlag } from './folio'
import { pin_user_pages_fast } from './gup'
import { userLoad } from './user-access'

type Page = ReturnType<typeof bootAnon> | ReturnType<typeof bootDax> | ReturnType<typeof bootDisk>

/** AO(5) and AR(4), as the sheet writes si_code. */
const code = (signal: string): string =>
  signal.replace('BUS_MCEERR_AO 12', 'AO(5)').replace('BUS_MCEERR_AR 12', 'AR(4)')

/** Column “Signals now”. */
function signals(page: Page): string {
  const told = (['B', 'A'] as const)
    .map((who) => [who, code(page.signal(who))] as const)
    .filter(([, signal]) => signal !== 'none')
    .map(([who, signal]) => `${who}: ${signal}`)
  return told.length === 0 ? 'none' : told.join('; ')
}
const entries = (page: Page): string => `${page.entry('A')} / ${page.entry('B')}`

/** Column “Page”, in the words that it is told with in the log, and what the tables have of it. */
function pageOf({ k, pfn }: Page) {
  const { kernel } = k
  return {
    log: lastLine(k),
    poison: hasFlag(kernel, pfn, PG.hwpoison),
    refcount: kernel.pages.at(pfn).refcount,
    heldByPoison: kernel.holders.has(pfn) ? kernel.holders.at(pfn).poison : 0,
  }
}
const isCached = ({ k, inode }: ReturnType<typeof bootDisk>): boolean =>
  k.kernel.pageCache.in(inode).has(0)
const wbError = ({ k, inode }: ReturnType<typeof bootDisk>): number =>
  k.kernel.inodes.at(inode).wb_err
const slot = ({ k, pfn }: Page) => {
  const entry = k.kernel.daxEntries.in(1).at(1025)
  return [entry.pfn === pfn, entry.flags]
}
const isLawful = ({ k }: Page) => {
  for (const law of memoryInvariants) expect(k.broken(law), law.name).toBeUndefined()
}
const kept = { poison: true, refcount: 1, heldByPoison: 1 }

describe('W27: six one-page outcomes. A is early-kill, B late-kill, both map the page', () => {
  it('a, dirty page cache, AO', () => {
    const page = bootDisk(true)
    expect(scrub(page.k, 'kswapd0', page.pfn)).toBe(0)
    expect(entries(page)).toBe('hwpoison / hwpoison')
    expect([isCached(page), wbError(page)]).toEqual([false, -EIO])
    const log = 'recovery action for dirty LRU page: Recovered'
    expect(pageOf(page)).toEqual({ ...kept, log })
    expect(signals(page)).toBe('A: AO(5)')
    expect(code(page.touch('B'))).toBe('AR(4)')
    isLawful(page)
  })

  it('b, clean page cache, AO', () => {
    const page = bootDisk(false)
    expect(scrub(page.k, 'kswapd0', page.pfn)).toBe(0)
    expect(entries(page)).toBe('none / none')
    expect([isCached(page), wbError(page)]).toEqual([false, 0])
    const log = 'recovery action for clean LRU page: Recovered'
    expect(pageOf(page)).toEqual({ ...kept, log })
    expect(signals(page)).toBe('none')
    expect(page.touch('B')).toBe('0x77')
    expect(page.k.kernel.pageCache.in(page.inode).at(0).pfn).not.toBe(page.pfn)
    isLawful(page)
  })

  it('c, anonymous, AO', () => {
    const page = bootAnon()
    expect(scrub(page.k, 'kswapd0', page.pfn)).toBe(0)
    expect(entries(page)).toBe('hwpoison / hwpoison')
    const log = 'recovery action for dirty LRU page: Recovered'
    expect(pageOf(page)).toEqual({ ...kept, log })
    expect(signals(page)).toBe('A: AO(5)')
    expect(code(page.touch('B'))).toBe('AR(4)')
    isLawful(page)
  })

  it.each([
    ['bad block recorded: B hears AR again', 1, 'none'],
    ['not recorded: B maps the poison again', 0, 'P'],
  ] as const)('d, fs-dax, AR, current is B, no holder; %s', (_, recorded, mapped) => {
    const page = bootDax(true)
    goBad(page.k, 'shell', page.pfn, recorded)
    page.touch('B')
    expect(entries(page)).toBe('none / none')
    expect([slot(page), pageOf(page).poison]).toEqual([[true, 0], true])
    expect(lastLine(page.k)).toBe('recovery action for dax page: Recovered')
    expect(signals(page)).toBe('B: AR(4); A: AO(5)')
    const b = page.k.task('other').begins(userLoad, { vpn: page.vpns.B, value: 0 })
    if (mapped === 'P') b.runTo('machine_check')
    expect(page.entry('B')).toBe(mapped)
    b.finishes()
    expect(code(page.signal('B'))).toBe('AR(4)')
  })

  it('e, fs-dax, AO scrub, neither is early', () => {
    const page = bootDax(false)
    expect(scrub(page.k, 'shell', page.pfn)).toBe(0)
    expect(entries(page)).toBe('P / P')
    expect([slot(page), pageOf(page).poison]).toEqual([[true, 0], true])
    expect(signals(page)).toBe('none')
    expect(code(page.touch('B'))).toBe('AR(4)')
    expect([entries(page), signals(page)]).toEqual(['none / none', 'B: AR(4)'])
  })

  it('f, pinned page cache, AO', () => {
    const page = bootDisk(true)
    const args = { start: page.vpns.B, pages: 1, write: 1, longterm: 0, force: 0 }
    page.k.task('B').begins(pin_user_pages_fast, args).finishes()
    expect(scrub(page.k, 'kswapd0', page.pfn)).toBe(-EBUSY)
    expect(entries(page)).toBe('hwpoison / hwpoison')
    const log = 'recovery action for dirty LRU page: Failed'
    expect(pageOf(page)).toEqual({ ...kept, refcount: 1025, log })
    page.k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    expect(bytesOf(page.k.kernel, page.pfn).value).toBe(0xd1)
    expect(signals(page)).toBe('A: AO(5)')
    expect(code(page.touch('B'))).toBe('AR(4)')
    isLawful(page)
  })
})
