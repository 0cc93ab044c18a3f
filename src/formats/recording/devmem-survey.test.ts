import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { read_mem } from '../../linux/drivers/char/mem-rw'
import { proc_iomem } from '../../linux/fs/proc/iomem'
import { errnoName } from '../../linux/include/errno'
import {
  E1000_BAR,
  E1000_RESOURCE0,
  EDU_RESOURCE0,
  qemuQ35Edu,
  qemuQ35EduNodes,
} from '../../scenarios/machines/qemu-q35-edu'
import { bootIomem } from '../../testing/iomem-kernel'
import { readRecording } from '../kernel-recording'

const url = new URL('../fixtures/recordings/devmem.jsonl', import.meta.url)
const recording = readRecording(readFileSync(url, 'utf8'))
if (!recording.ok) throw new Error(recording.error.sentence)
const { steps } = recording.value

interface Survey {
  readonly phys?: string
  readonly file?: string
  readonly mmap: { readonly mmap: string }
  readonly walk: { readonly pte: { readonly bits: readonly string[] } } | null
  readonly pread?: string
}

const surveys = steps
  .filter(({ group }) => group.startsWith('survey/'))
  .map(({ group, see }) => [group.replace('survey/', ''), see as unknown as Survey] as const)
const linesOf = (group: string) =>
  steps.find((step) => step.group === group)?.see['lines'] as readonly string[]

/** The recorded machine at the time of the survey: e1000 is bound, edu has no driver. */
function boot() {
  const k = bootIomem('v6.12', qemuQ35Edu, { nodes: qemuQ35EduNodes })
  const before = proc_iomem(k.kernel)
  k.claim('D', E1000_BAR.start, E1000_BAR.end, 'e1000')
  return { k, before }
}

const errnoOf = (text: string) => (text.startsWith('E') ? `-${text}` : text)

describe('the survey of /dev/mem on Linux 6.12', () => {
  it('found the listings that the engine prints, before e1000 and after', () => {
    const { k, before } = boot()
    expect(before.trimEnd().split('\n')).toEqual(linesOf('iomem'))
    expect(proc_iomem(k.kernel).trimEnd().split('\n')).toEqual(
      linesOf('iomem after e1000 driver bound'),
    )
  })

  it('has 12 places', () => expect(surveys).toHaveLength(12))

  it.each(surveys)('%s: mmap, its entry, and read', (_where, { phys, file, mmap, walk, pread }) => {
    const { k } = boot()
    const pfn = Number(phys ?? 0) / 4096
    const path = file ?? '/dev/mem'
    expect(k.mmap('T', pfn, 1, path)).toBe(errnoOf(mmap.mmap))
    const vma = k.kernel.vmas.rows()[0]
    expect(vma === undefined ? undefined : k.bits(vma.vm_start)).toEqual(walk?.pte.bits)
    if (pread === undefined) return
    const args = { file: k.fileOf('T'), pos: pfn * 4096, length: 4, value: 0 }
    k.kernel.contents.fill(pfn, pfn + 1, { value: 0x53 })
    const ret = k.task('T').begins(read_mem, args).finishes()
    const [, count, byte] = /^ret (\d+), bytes (..)/.exec(pread) ?? []
    expect(ret).toBe(count === undefined ? ret : Number(count))
    expect(errnoName(ret)).toBe(count ?? errnoOf(pread))
    if (byte !== undefined) expect(k.task('T').row.value === 0).toBe(byte === '00')
  })

  it('asked for resource0 of both devices', () => {
    const files = surveys.flatMap(([, { file }]) => file ?? [])
    expect(files.sort()).toEqual([EDU_RESOURCE0, E1000_RESOURCE0].sort())
  })
})
