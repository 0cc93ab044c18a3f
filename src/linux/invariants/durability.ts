import { always } from '../operation'

/** I16 of the PKS sheet, §6. It is asked again after every reset: pmem keeps its bytes. */
export const durability = always({
  name: 'durability',
  claim: 'Bytes of pmem change only by writes that were meant: of a page that is mapped.',
  sources: [
    {
      file: 'drivers/nvdimm/pmem.c',
      fn: 'pmem_do_write',
      version: '6.12',
      note: 'Without PKS nothing but luck keeps it.',
    },
  ],
  broken(k) {
    const found = k.unguarded.runs().find(({ unmapped }) => unmapped === 1)
    if (found === undefined) return undefined
    const { start, writer, value, was } = found
    const byte = (each: number) => `0x${each.toString(16).padStart(2, '0')}`
    const says = `page 0x${start.toString(16)} holds ${byte(value)} instead of ${byte(was)}: a stray write of ${k.tasks.at(writer).name}`
    return { table: 'pages', id: 0, key: start, says }
  },
})
