import { inSeries } from '../arch/x86/mm/pkeys'
import { always } from '../operation'

/** I12' of the PKS sheet, §6: weaker, and what the key can promise. */
export const windowByItself = always({
  name: 'windowByItself',
  claim: 'Who writes a protected page, a thread or a handler, has opened a window itself.',
  sources: [inSeries('mm/memremap.c', 'dev_access_enable')],
  broken(k) {
    const found = k.unguarded
      .runs()
      .find(({ windowless, guarded }) => windowless === 1 && guarded === 1)
    if (found === undefined) return undefined
    const { start, writer } = found
    const says = `${k.tasks.at(writer).name} wrote protected page 0x${start.toString(16)} and had opened no window`
    return { table: 'pages', id: 0, key: start, says }
  },
})
