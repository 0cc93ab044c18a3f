import type { Change } from '../../arena'
import { directMapValue, isDenied, pkrsText, rightsOf } from '../../linux/arch/x86/pkeys'
import type { Kernel } from '../../linux/kernel'
import type { CardView, Row } from '../shared/cards'
import { was, wasInRow } from '../shared/changed'
import { hex, hexWord, pageCount } from '../shared/format'

/** Keys as one hexadecimal digit each. */
const keys = [...'0123456789abcdef']

/** Who may touch pages of which key: entries of the direct map, CPUs, threads. Nothing elsewhere. */
export const selectPks = (k: Kernel, changes: readonly Change[]): CardView[] =>
  k.pks
    .rows()
    .flatMap(({ key }) => [
      ...entries(k),
      ...k.cpus.rows().map((cpu) => cpuCard(k, cpu, key, changes)),
      ...k.pkrsThreads.rows().map((thread) => threadCard(k, thread, key, changes)),
      ...globals(k, key, changes),
      ...corrupted(k),
    ])

function entries(k: Kernel): CardView[] {
  return k.directMap.runs().map((run) => ({
    target: { kind: 'direct_map', id: 0, key: run.start },
    title: `direct map ${hex(run.start)}`,
    side: `key ${run.pkey}`,
    tone: 'plain',
    rows: [
      { kind: 'text', label: 'first', value: hexWord(directMapValue(run)) },
      { kind: 'text', value: pageCount(run.length), tone: 'quiet' },
    ],
  }))
}

/** The register’s value, its two bits of each key, and what that means for pmem. */
function registerRows(name: string, value: number, key: number, before: unknown): Row[] {
  const rights = rightsOf(value, key)
  const isChanged = (at: number) =>
    typeof before === 'number' && rightsOf(before, at) !== rightsOf(value, at)
  const bits = (bit: number, what: string): Row => ({
    kind: 'bits',
    bits: keys.map((digit, at) => ({
      name: digit,
      says: `${what}${at}`,
      on: (rightsOf(value, at) & bit) !== 0,
      changed: isChanged(at),
    })),
  })
  const may = isDenied(rights, false, true)
    ? 'no access'
    : isDenied(rights, true, true)
      ? 'read'
      : 'write'
  return [
    { kind: 'text', label: name, value: pkrsText(value), ...was(before, pkrsText) },
    { kind: 'text', value: 'access, write disabled:', tone: 'quiet' },
    bits(1, 'AD'),
    bits(2, 'WD'),
    { kind: 'text', label: `key ${key}`, value: may, tone: may === 'write' ? 'pinned' : 'plain' },
  ]
}

function cpuCard(
  k: Kernel,
  { id, name, online, current, msr_pkrs, pkrs_cache }: ReturnType<Kernel['cpus']['at']>,
  key: number,
  changes: readonly Change[],
): CardView {
  const frames = k.pkrsFrames
    .rows()
    .filter((frame) => frame.cpu === id)
    .sort((a, b) => a.depth - b.depth)
  return {
    target: { kind: 'cpu', id },
    title: name,
    side: online === 0 ? 'offline' : current === 0 ? 'idle' : `runs ${k.tasks.at(current).name}`,
    tone: online === 0 ? 'gone' : 'plain',
    rows: [
      ...registerRows('PKRS', msr_pkrs, key, wasInRow(changes, 'cpus', id, 'msr_pkrs')),
      { kind: 'text', label: 'cache', value: pkrsText(pkrs_cache) },
      ...frames.map(
        ({ kind, pkrs }): Row => ({ kind: 'text', label: `in ${kind}`, value: pkrsText(pkrs) }),
      ),
    ],
  }
}

function threadCard(
  k: Kernel,
  { id, task, pkrs, count, dead }: ReturnType<Kernel['pkrsThreads']['at']>,
  key: number,
  changes: readonly Change[],
): CardView {
  return {
    target: { kind: 'task', id: task },
    title: `${k.tasks.at(task).name}, saved`,
    side: dead === 1 ? 'killed' : `count ${count}`,
    tone: dead === 1 ? 'gone' : 'plain',
    rows: registerRows('pkrs', pkrs, key, wasInRow(changes, 'pkrsThreads', id, 'pkrs')),
  }
}

/** The global value, where there is one; and the meter of what keys have cost. */
function globals(k: Kernel, key: number, changes: readonly Change[]): CardView[] {
  const { pkrs_global_cache: value, writes, skipped, ipis, faults } = k.pks.at(1)
  const before = wasInRow(changes, 'pks', 1, 'pkrs_global_cache')
  const meter = { 'PKRS writes': writes, skipped, IPIs: ipis, exceptions: faults }
  return [
    {
      target: { kind: 'pks', id: 1 },
      title: 'for all',
      side: '',
      tone: 'plain',
      rows: [
        ...(k.policy.pks === 'rfc2020' ? registerRows('global', value, key, before) : []),
        ...Object.entries(meter).map(
          ([label, count]): Row => ({ kind: 'text', label, value: String(count) }),
        ),
      ],
    },
  ]
}

/** Pages of pmem that hold what nobody meant to write. */
const corrupted = (k: Kernel): CardView[] =>
  k.unguarded
    .runs()
    .filter(({ unmapped }) => unmapped === 1)
    .map(({ start, value, was: before, consumed }) => ({
      target: { kind: 'direct_map', id: 0, key: start },
      title: `page ${hex(start)}`,
      side: consumed === 1 ? 'found corrupt' : 'latent corruption',
      tone: 'broken',
      rows: [{ kind: 'byte', label: 'holds', byte: { value, was: before } }],
    }))
