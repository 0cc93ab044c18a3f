import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { claimedRanges } from '../kernel/resource-walk'
import { always } from '../operation'

const byte = (each: number): string => `0x${each.toString(16).padStart(2, '0')}`

/** I16 of the PKS sheet, §6. It is asked again after every reset: pmem keeps its bytes. */
export const durability = always({
  name: 'durability',
  claim:
    'Bytes of pmem change only by writes that were meant: of kernel code, to a page that it has mapped; of a process, before a driver has claimed it.',
  sources: [
    {
      file: 'drivers/nvdimm/pmem.c',
      fn: 'pmem_do_write',
      version: '6.12',
      note: 'Without PKS nothing but luck keeps it.',
    },
  ],
  broken: (k) => strayed(k) ?? trespassed(k),
})

/** Kernel code wrote a page that it had not mapped. */
function strayed(k: Kernel): Finding | undefined {
  const found = k.unguarded.runs().find(({ unmapped }) => unmapped === 1)
  if (found === undefined) return undefined
  const { start, writer, value, was } = found
  const says = `page 0x${start.toString(16)} holds ${byte(value)} instead of ${byte(was)}: a stray write of ${k.tasks.at(writer).name}`
  return { table: 'pages', id: 0, key: start, says }
}

/** A process wrote through /dev/mem to pmem that its driver has claimed: W4 of the iomem sheet. */
function trespassed(k: Kernel): Finding | undefined {
  if (k.iomemNodes.capacity === 0) return undefined
  for (const { id, name, first, end } of claimedRanges(k)) {
    if (k.namespaces.find(({ resource }) => resource === id) === undefined) continue
    const found = k.contents.runs(first, end).find(({ stored_by }) => stored_by !== 0)
    if (found === undefined) continue
    const { start, value, stored_by } = found
    const says = `page 0x${start.toString(16)} holds ${byte(value)}: a store of ${k.mms.at(stored_by).comm}, and ${name} is claimed`
    return { table: 'pages', id: 0, key: start, says }
  }
  return undefined
}
