import { int, ref } from '../../../arena'
import { FOLL } from '../../include/gup'
import { VM } from '../../include/mm_types'
import type { Kernel } from '../../kernel'
import { bytesOf, storeByte } from '../../mm/contents'
import { isAnon } from '../../mm/folio'
import { vma_lookup } from '../../mm/rmap'
import { operation } from '../../operation'

interface Target {
  readonly handle: number
  readonly page: number
}

/** A device knows physical pages, whatever the page table says by now. */
const pfnOf = (k: Kernel, { handle, page }: Target): number => k.pinned.in(handle).at(page).pfn

function refusal(k: Kernel, { handle, page }: Target, write: boolean): string | undefined {
  if (!k.pinHandles.isLive(handle) || k.pinHandles.at(handle).state !== 'held')
    return 'The device has no pages under this handle.'
  const { got, flags } = k.pinHandles.at(handle)
  if (page < 0 || page >= got) return `The handle has ${got} pages, counted from 0.`
  if (write && (flags & FOLL.write) === 0) return 'The pages were taken for reading only.'
  return undefined
}

/** Whose store it counts as: that of the process, where the page is private memory. */
export function actsFor(k: Kernel, handle: number, pfn: number): number {
  const { mm, start } = k.pinHandles.at(handle)
  const vma = vma_lookup(k, mm, start)
  const isShared = vma !== undefined && (vma.vm_flags & VM.shared) !== 0
  return !isShared && k.pages.has(pfn) && isAnon(k, pfn) ? mm : 0
}

/** A DMA engine at work on pages that a driver holds; no function of the kernel runs for it. */
export const dmaWrite = operation({
  name: 'dmaWrite',
  does: 'The device writes into a page that it was given.',
  source: { file: 'Documentation/core-api/pin_user_pages.rst', fn: 'DMA write', version: '6.12' },
  leftOut: 'The bus, the IOMMU, and partial transfers: the first sector changes, in one step.',
  start: {
    label: 'The device writes into it',
    on: ['pin'],
    by: 'device',
    args: (k, { id }) => ({ handle: k.pinHandles.at(id).id, page: 0, value: 0xd1 }),
    refuse: (k, { handle, page, value }) =>
      refusal(k, { handle, page }, true) ??
      (value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'),
  },
  params: { handle: ref('pin_handle'), page: int(), value: int() },
  entry: 'write',
  steps: {
    write: {
      does: 'The data arrives in the page that was pinned, wherever that is mapped now.',
      fn: 'DMA write',
      run(k, t) {
        if (refusal(k, t, true) !== undefined) return t.done(-1)
        const pfn = pfnOf(k, t)
        storeByte(k, pfn, t.value, { mm: actsFor(k, t.handle, pfn) })
        return 'complete'
      },
    },
    complete: {
      does: 'The device reports completion: the process may look for the data at its address now.',
      fn: 'completion',
      run: (_k, t) => t.done(),
    },
  },
})

export const dmaRead = operation({
  name: 'dmaRead',
  does: 'The device reads a page that it was given.',
  source: { file: 'Documentation/core-api/pin_user_pages.rst', fn: 'DMA read', version: '6.12' },
  leftOut: 'The bus, the IOMMU, and partial transfers.',
  start: {
    label: 'The device reads it',
    on: ['pin'],
    by: 'device',
    args: (k, { id }) => ({ handle: k.pinHandles.at(id).id, page: 0 }),
    refuse: (k, target) => refusal(k, target, false),
  },
  params: { handle: ref('pin_handle'), page: int() },
  entry: 'read',
  steps: {
    read: {
      does: 'The device gets what the pinned page holds, which may not be what the process sees.',
      fn: 'DMA read',
      run(k, t) {
        if (refusal(k, t, false) !== undefined) return t.done(-1)
        t.task.value = bytesOf(k, pfnOf(k, t)).value
        return t.done()
      },
    },
  },
})
