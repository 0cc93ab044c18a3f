import type { Change } from '../../arena'
import { cardsOfPages, type Scene } from '../scene/scene'
import type { CardView, Link } from '../shared/cards'
import { rest } from '../shared/rest'
import { handleCards } from './handle-cards'
import { buffersOf, pipeCards } from './pipe-cards'
import { processCards } from './process-cards'
import { threadCards } from './thread-cards'

/** Processes with their areas, devices that have pages, pipes, and other threads. */
export function selectWho(scene: Scene, changes: readonly Change[]): CardView[] {
  const cards = [
    ...processCards(scene, changes),
    ...handleCards(scene.k, changes),
    ...pipeCards(scene.k, changes),
  ]
  return [...cards, ...threadCards(scene.k, cards.length)]
}

/** From areas to their entries, and from devices and pipes to the pages that they hold. */
export function linkWho(scene: Scene): Link[] {
  const { k, entries, hiddenProcesses, hiddenEntries } = scene
  const areas = k.vmas.rows()
  const mapped = entries.flatMap(({ mm, run }) =>
    areas
      .filter(
        ({ vm_mm, vm_start, vm_end }) => vm_mm === mm && vm_start < run.end && run.start < vm_end,
      )
      .map(
        ({ id }): Link => ({
          from: { kind: 'vma', id },
          to: { kind: 'pte', id: mm, key: run.start },
          tone: 'mapped',
        }),
      ),
  )
  const counted: Link[] =
    hiddenProcesses.length > 0 && hiddenEntries.length > 0
      ? [{ from: rest.processes, to: rest.entries, tone: 'mapped' }]
      : []
  return [...mapped, ...counted, ...held(scene), ...piped(scene)]
}

const held = (scene: Scene): Link[] =>
  scene.k.pinHandles.rows().flatMap(({ id }) =>
    scene.k.pinned
      .in(id)
      .runs()
      .flatMap(({ pfn, length }) => cardsOfPages(scene, pfn, length).slice(0, 4))
      .map((to): Link => ({ from: { kind: 'pin', id }, to, tone: 'pinned' })),
  )

const piped = (scene: Scene): Link[] =>
  scene.k.pipes.rows().flatMap(({ id }) =>
    buffersOf(scene.k, id)
      .flatMap(({ pfn }) => cardsOfPages(scene, pfn, 1))
      .map((to): Link => ({ from: { kind: 'pipe', id }, to, tone: 'pinned' })),
  )
