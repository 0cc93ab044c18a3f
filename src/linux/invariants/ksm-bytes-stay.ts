import { bytesOf } from '../mm/contents'
import { isKsm, pageMapcount } from '../mm/folio'
import { always } from '../operation'

/** I16 of the pins sheet, §7.2. */
export const ksmBytesStay = always({
  name: 'ksmBytesStay',
  claim: 'The bytes of a KSM page do not change while anybody maps it.',
  sources: [{ file: 'mm/ksm.c', fn: 'write_protect_page', version: '6.12' }],
  broken(k) {
    for (const { kpfn, value, rest } of k.stableNodes.rows()) {
      if (!k.pages.has(kpfn) || !isKsm(k, kpfn) || pageMapcount(k, kpfn) === 0) continue
      const now = bytesOf(k, kpfn)
      if (now.value === value && now.rest === rest) continue
      const says = `KSM page 0x${kpfn.toString(16)} was 0x${value.toString(16)}, and is 0x${now.value.toString(16)} now`
      return { table: 'pages', id: 0, key: kpfn, says }
    }
    return undefined
  },
})
