import { int, ref } from '../../../arena'
import { EINVAL } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { storeByte } from '../../mm/contents'
import { operation } from '../../operation'

/** The page of a claim that is meant; undefined where there is none. */
function pageOf(k: Kernel, resource: number, page: number): number | undefined {
  if (!k.resources.isLive(resource) || page < 0) return undefined
  const { start, end, claim } = k.resources.at(resource)
  const pfn = Math.floor(start / PAGE_SIZE) + page
  return claim === 'returned' && pfn * PAGE_SIZE <= end ? pfn : undefined
}

/** What a driver does with the range that it has claimed: registers of a card, blocks of pmem. */
export const driverStore = operation({
  name: 'driverStore',
  does: 'The driver writes to the range that it has claimed.',
  source: { file: 'arch/x86/include/asm/io.h', fn: 'writel', version: '6.12' },
  leftOut: 'What the device does with it; the first byte stands for the page.',
  start: {
    label: 'The driver writes to it',
    on: ['resource'],
    by: 'admin',
    offered: (k, { id }) => k.resources.at(id).claim === 'returned' && k.iomemNodes.capacity > 0,
    args: (k, { id }) => ({ resource: k.resources.at(id).id, page: 0, value: 0x5b }),
    refuse: (_k, { page, value }) =>
      page >= 0 && value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.',
  },
  params: { resource: ref('resource'), page: int(), value: int() },
  entry: 'store',
  steps: {
    store: {
      does: 'Through the kernel’s own mapping (ioremap or memremap), which no revocation touches. Without a claim there is none.',
      run(k, t) {
        const pfn = pageOf(k, t.resource, t.page)
        if (pfn === undefined) return t.done(-EINVAL)
        storeByte(k, pfn, t.value, {})
        return t.done()
      },
    },
  },
})
