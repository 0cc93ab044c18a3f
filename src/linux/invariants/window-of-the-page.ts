import { inSeries } from '../arch/x86/mm/pkeys'
import { always } from '../operation'

/** I12 of the PKS sheet, §6. One key guards all of pmem, so no variant can promise it. */
export const windowOfThePage = always({
  name: 'windowOfThePage',
  claim: 'Who writes a protected page has a mapping of that page open, its own or a global one.',
  sources: [inSeries('mm/memremap.c', 'dev_access_enable')],
  broken(k) {
    for (const { start, writer, value, unmapped, guarded } of k.unguarded.runs()) {
      if (unmapped === 0 || guarded === 0) continue
      const byte = value.toString(16).padStart(2, '0')
      const says = `${k.tasks.at(writer).name} wrote 0x${byte} to protected page 0x${start.toString(16)}, which it has not mapped`
      return { table: 'pages', id: 0, key: start, says }
    }
    return undefined
  },
})
