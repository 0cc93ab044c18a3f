import { type Change, flagsSet } from '../../arena'
import { FOLL } from '../../linux/include/gup'
import type { Kernel } from '../../linux/kernel'
import { deviceName, handleKind, isMemoryRegion, isWriter, taskName } from '../scene/names'
import type { Byte, CardView, Row } from '../shared/cards'
import { hex, pageCount, pageRange } from '../shared/format'
import { byteOf } from '../shared/page-byte'
import { note, rest } from '../shared/rest'
import { coherenceOf } from './coherence'

const MAX_HANDLES = 4

type Handle = ReturnType<Kernel['pinHandles']['at']>

/** GUP users: devices that have pages, whatever the page tables say. */
export function handleCards(k: Kernel, changes: readonly Change[]): CardView[] {
  const all = k.pinHandles.rows()
  const more = all.length - MAX_HANDLES
  const cards = all.slice(0, MAX_HANDLES).map((handle) => handleCard(k, handle, changes))
  return more > 0 ? [...cards, note(rest.handles, `and ${more} more users of GUP`)] : cards
}

function handleCard(k: Kernel, handle: Handle, changes: readonly Change[]): CardView {
  const { id, got, pages, task, state } = handle
  const device = deviceName(k, handle)
  const held = k.pinned.in(id).runs()
  const first = held[0]
  const coherence = coherenceOf(k, handle)
  const count = state === 'walking' ? `${got} of ${pageCount(pages)}` : pageCount(got)
  return {
    target: { kind: 'pin', id },
    title: device ?? handleKind(handle),
    side: device === undefined ? count : `${use(handle)}, ${count}`,
    tone: coherence.kind === 'other' ? 'broken' : 'pinned',
    rows: [
      ...(first === undefined ? [] : [bytesRow(handle, byteOf(k, first.pfn, changes))]),
      ...held.slice(0, 3).map(
        (run): Row => ({
          kind: 'text',
          label: 'holds',
          value: pageRange(run.pfn, run.length),
          tone: 'pinned',
        }),
      ),
      ...(state === 'walking' ? [walking] : coherenceRows(k, handle)),
      { kind: 'text', label: 'taken by', value: taskName(k, task) },
      { kind: 'text', label: 'flags', value: foll(handle) },
    ],
  }
}

const walking: Row = { kind: 'text', value: 'get_user_pages is at work', tone: 'quiet' }

/** A memory region of RDMA, or the kind of GUP. */
const use = (handle: Handle): string => (isMemoryRegion(handle) ? 'RDMA MR' : handleKind(handle))

/** The flags, less the one that its title says. */
const foll = ({ flags }: Handle): string =>
  flagsSet(FOLL, flags)
    .filter((name) => name !== 'pin' && name !== 'get')
    .map((name) => name.toUpperCase())
    .join(' ') || 'none'

const bytesRow = (handle: Handle, byte: Byte): Row => ({
  kind: 'byte',
  label: isWriter(handle) ? 'the device sees, writes' : 'the device sees',
  byte,
})

/** One page or two: the question of the whole thread. */
function coherenceRows(k: Kernel, handle: Handle): Row[] {
  const coherence = coherenceOf(k, handle)
  if (coherence.kind === 'none') return [{ kind: 'text', value: coherence.why, tone: 'quiet' }]
  const isSame = coherence.kind === 'same'
  const pills: Row = {
    kind: 'pills',
    label: `${coherence.process} is on`,
    pills: [
      { text: 'this page', on: isSame, tone: 'owned' },
      { text: isSame ? 'another' : hex(coherence.mapped), on: !isSame, tone: 'broken' },
    ],
  }
  return [pills]
}
