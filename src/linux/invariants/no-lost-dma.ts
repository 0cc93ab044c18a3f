import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { bytesOf } from '../mm/contents'
import { resolve } from '../mm/entries'
import { isAnon } from '../mm/folio'
import { alwaysByTask } from '../operation'

const COMPLETIONS = new Set(['dmaWrite.complete', 'bio_endio.complete'])

/** I13 of the pins sheet, §7.2. */
export const noLostDma = alwaysByTask({
  name: 'noLostDma',
  claim:
    'When an I/O into private memory completes, the process sees the data at the address that it gave.',
  sources: [{ file: 'block/bio.c', fn: 'bio_endio', version: '6.12' }],
  byTask(k, task) {
    if (!COMPLETIONS.has(k.machine.stepName(task))) return undefined
    const locals = k.machine.frames(task)[0]?.locals
    const page = Number(locals?.['page'] ?? 0)
    return lost(k, Number(locals?.['handle']), page, k.tasks.at(task).name)
  },
})

function lost(k: Kernel, handle: number, page: number, device: string): Finding | undefined {
  if (!k.pinHandles.isLive(handle) || !k.pinned.in(handle).has(page)) return undefined
  const { mm, start } = k.pinHandles.at(handle)
  const run = k.pinned.in(handle).at(page)
  if (mm === 0 || run.detached === 1 || !k.pages.has(run.pfn) || !isAnon(k, run.pfn))
    return undefined
  const now = resolve(k, mm, start + page)
  if (now === 'none' || now === run.pfn) return undefined
  const seen = now === 'swapped' ? undefined : bytesOf(k, now).value
  const written = bytesOf(k, run.pfn).value
  if (seen === written) return undefined
  const byte = (value: number) => `0x${value.toString(16).padStart(2, '0')}`
  const says = `${device} wrote ${byte(written)} into page 0x${run.pfn.toString(16)}, and the process reads ${seen === undefined ? 'old data' : byte(seen)}`
  return { table: 'pinHandles', id: handle, says }
}
