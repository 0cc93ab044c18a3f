import { errnoName } from '../../linux/include/errno'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import type { CardView, Link, Row } from '../shared/cards'
import { hex, pageCount, pageRange, size } from '../shared/format'

/** Processes with their areas, other threads, and what is pinned. */
export const selectWho = (k: Kernel): CardView[] => [
  ...processes(k),
  ...pins(k),
  ...otherThreads(k),
]

function processes(k: Kernel): CardView[] {
  return k.mms.rows().map(({ id, comm, pid }) => ({
    target: { kind: 'mm', id },
    title: comm,
    side: `pid ${pid}`,
    tone: 'plain',
    rows: [...areas(k, id), ...signals(k, id)],
  }))
}

function areas(k: Kernel, mm: number): Row[] {
  const mapped = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm)
  return mapped.map((vma) => ({
    kind: 'mark',
    target: { kind: 'vma', id: vma.id },
    title: vma.label,
    value: `${size((vma.vm_end - vma.vm_start) * PAGE_SIZE)} MAP_SHARED`,
    sub: `${k.inodes.at(vma.vm_file).name} + ${hex(vma.vm_pgoff * PAGE_SIZE)}`,
  }))
}

function signals(k: Kernel, mm: number): Row[] {
  const threads = k.tasks.rows().filter((task) => task.mm === mm && task.signal !== 'none')
  return threads.map(({ signal, si_code }) => ({
    kind: 'text',
    value: `${signal}, ${si_code}`,
    tone: 'broken',
  }))
}

function pins(k: Kernel): CardView[] {
  return k.pinHandles.rows().map(({ id, kind, task, got }) => {
    const held = k.pinned.in(id).runs()
    return {
      target: { kind: 'pin', id },
      title: `FOLL_${kind}`,
      side: pageCount(got),
      tone: 'pinned',
      rows: [
        { kind: 'text', label: 'taken by', value: k.tasks.at(task).name },
        ...held.slice(0, 3).map(
          (run): Row => ({
            kind: 'text',
            label: 'holds',
            value: pageRange(run.pfn, run.length),
            tone: 'pinned',
          }),
        ),
      ],
    }
  })
}

function otherThreads(k: Kernel): CardView[] {
  const others = k.tasks.rows().filter(({ mm }) => mm === 0)
  return others.map(({ id, name, ret, role }) => {
    const top = k.machine.frames(id)[0]
    const waits = k.machine.waiting(id) !== undefined
    const value = top === undefined ? idleText(ret) : (top.step.fn ?? top.operation.source.fn)
    return {
      target: { kind: 'task', id },
      title: name,
      side: role,
      tone: top === undefined ? 'quiet' : 'plain',
      rows: [{ kind: 'text', label: waits ? 'waits in' : top === undefined ? '' : 'next', value }],
    }
  })
}

const idleText = (ret: number): string =>
  ret === 0 ? 'in user space' : `in user space, last returned ${errnoName(ret)}`

/** From areas to their entries, and from pins to their pages. */
export function linkWho(k: Kernel): Link[] {
  const entries = k.vmas.rows().flatMap((vma) =>
    k.ptes
      .in(vma.vm_mm)
      .runs(vma.vm_start, vma.vm_end)
      .map(
        ({ start }): Link => ({
          from: { kind: 'vma', id: vma.id },
          to: { kind: 'pte', id: vma.vm_mm, key: start },
          tone: 'mapped',
        }),
      ),
  )
  const pages = k.pinHandles.rows().flatMap(({ id }) =>
    k.pinned
      .in(id)
      .runs()
      .map(
        ({ pfn }): Link => ({
          from: { kind: 'pin', id },
          to: { kind: 'page', id: 0, key: pfn },
          tone: 'pinned',
        }),
      ),
  )
  return [...entries, ...pages]
}
