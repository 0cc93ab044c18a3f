import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import { scenarios } from '../scenarios'
import type { Scenario } from '../scenarios/scenario'
import { importText } from './import'
import { loadScenarios } from './library'
import { linkNow, openLink } from './link'
import { menuFor } from './menu'
import {
  begin,
  changeSetup,
  chooseBranch,
  move,
  openScenarioWith,
  renameBranch,
  runTask,
  seek,
  stepTask,
  togglePlay,
} from './session'
import { getState, resetStore } from './store'

const fixture = (name: string): string => readFileSync(`src/formats/fixtures/${name}`, 'utf8')
const timeline = () => getState().opened.timeline
const kernel = () => timeline().kernel
const vpn = () => kernel().vmas.at(1).vm_start

beforeEach(resetStore)

describe('the session', () => {
  it('steps, travels and counts its changes', () => {
    const { version } = getState()
    move(1)
    move(1)
    move(-1)
    expect(timeline().cursor).toBe(1)
    expect(getState().version).toBe(version + 3)
  })

  it('begins an operation, and runs it until it is done or waits', async () => {
    await loadScenarios()
    begin(1, 'userStore', { vpn: vpn(), value: 1, offset: 0 }, true)
    expect(kernel().machine.isIdle(1)).toBe(true)
    const pin = { start: vpn(), pages: 1, write: 1, longterm: 0, force: 0 }
    begin(1, 'pin_user_pages_fast', pin, true)
    begin(2, 'xfs_vn_setattr', { inode: 1, first: 0, last: 2 ** 40, size: 0 }, true)
    expect(getState().notice).toContain('waits for page 0x60400 to be idle')
  })

  it('runs a thread to a named step', () => {
    begin(2, '__device_release_driver', { device: 1 }, false)
    runTask(2, '__device_release_driver.memunmap')
    expect(kernel().machine.stepName(2)).toBe('__device_release_driver.memunmap')
  })

  it('says why a step cannot be taken, and changes nothing', () => {
    stepTask(1)
    expect(getState().notice).toBe('This thread is in user space and has no step to take.')
    expect(timeline().cursor).toBe(0)
  })

  it('keeps the moment where a policy is changed', () => {
    seek(40)
    changeSetup({ policies: { filesystem: 'ext4' } })
    expect([timeline().cursor, getState().opened.setup.policies['filesystem']]).toEqual([
      40,
      'ext4',
    ])
    changeSetup({ policies: { filesystem: 'zfs' } })
    expect(getState().notice).toContain('no value "zfs"')
    expect(getState().opened.setup.policies['filesystem']).toBe('ext4')
  })

  it('names branches, and goes back and forth between them', () => {
    seek(20)
    begin(2, 'createFile', { superBlock: 1, name: '/mnt/x', size: 4096 }, true)
    renameBranch('  what if  ')
    expect(timeline().branch.name).toBe('what if')
    chooseBranch(1)
    expect(timeline().branch.name).toBe('main')
  })

  it('stops playing at the end', () => {
    togglePlay()
    seek(timeline().length - 1)
    move(1)
    expect(getState().isPlaying).toBe(false)
  })
})

describe('menus', () => {
  it('offer what applies, by the thread that would do it', async () => {
    await loadScenarios()
    const items = menuFor(timeline(), { kind: 'vma', id: 1 })
    expect(items.map(({ operation, who }) => [operation, who])).toEqual([
      ['userLoad', 'reader'],
      ['userStore', 'reader'],
      ['do_munmap', 'reader'],
      ['pin_user_pages_fast', 'reader'],
      ['get_user_pages_fast', 'reader'],
      ['do_madvise', 'reader'],
      ['mprotect_fixup', 'reader'],
      ['vmsplice_to_pipe', 'reader'],
      ['directRead', 'reader'],
      ['madviseHwpoison', 'reader'],
      ['madviseSoftOffline', 'reader'],
      ['ib_umem_get', 'reader'],
      ['ib_umem_odp_get', 'reader'],
      ['hva_to_pfn_slow', 'reader'],
      ['ib_umem_odp_release', 'reader'],
    ])
    const refused = items.filter((item) => item.refused !== undefined)
    expect(refused.map((item) => item.refused)).toEqual([
      'There is no such pipe.',
      'Nothing is registered on demand there.',
    ])
  })

  it('grey what cannot be now, with the reason', () => {
    const bind = menuFor(timeline(), { kind: 'namespace', id: 1 }).find(
      ({ operation }) => operation === 'pmem_attach_disk',
    )
    expect(bind?.refused).toBe('The driver is bound already.')
    begin(1, 'userStore', { vpn: vpn(), value: 1, offset: 0 }, false)
    expect(menuFor(timeline(), { kind: 'vma', id: 1 })[0]?.refused).toBe(
      'This thread is still in exc_page_fault(); let it go on first.',
    )
  })

  it('are empty for what is gone, and for nonsense', () => {
    expect(menuFor(timeline(), { kind: 'vma', id: 99 })).toEqual([])
    expect(menuFor(timeline(), { kind: '__proto__', id: 1 })).toEqual([])
  })
})

describe('links', () => {
  /** The link of this moment, which no mail program breaks; afterwards something else is open. */
  function shortLink(): string {
    const link = linkNow()
    if ('refused' in link) throw new Error(link.refused)
    expect(link.fragment.length).toBeLessThanOrEqual(300)
    openScenarioWith(scenarios[0] as Scenario)
    return link.fragment
  }

  it('restore scenario, policies, schedule and moment', async () => {
    changeSetup({ policies: { filesystem: 'ext4' } })
    seek(10)
    begin(2, 'createFile', { superBlock: 1, name: '/mnt/x', size: 4096 }, true)
    const { hash } = kernel().heap.arena
    const link = linkNow()
    if ('refused' in link) throw new Error(link.refused)
    resetStore()
    await openLink(`#${link.fragment}`)
    expect(kernel().heap.arena.hash).toBe(hash)
    expect(getState().notice).toBeUndefined()
  })

  it.each(['the-driver-is-gone', 'legacy-files-too-early', 'cxl-managed-unplug', 'rdma-and-fork'])(
    'of %s restore every kernel with its rules, and are short',
    async (name) => {
      await loadScenarios()
      const scenario = scenarios.find((each) => each.name === name) as Scenario
      const rule = policies.find((each) => scenario.policies.includes(each.name))
      const chosen = { [rule?.name ?? '']: Object.keys(rule?.values ?? {}).at(-1) ?? '' }
      for (const { name: preset } of presets)
        for (const steps of [undefined, 5]) {
          openScenarioWith(scenario, { preset, policies: steps === undefined ? {} : chosen })
          // A schedule of its own, which is not the story.
          if (steps !== undefined) timeline().load(timeline().branch.choices.slice(0, steps))
          seek(3)
          const { setup } = getState().opened
          await openLink(`#${shortLink()}`)
          expect(getState().opened).toMatchObject({ preset, setup })
          expect(timeline().cursor).toBe(3)
        }
    },
  )

  it('that are wrong are answered in words, and leave what is open', async () => {
    seek(12)
    for (const [link, sentence] of [
      ['#s/nothing', 'which this version does not have'],
      ['#1AAAA', 'The link is damaged'],
      ['#s/gup-fast-vs-remove@99999999', 'The link is damaged'],
    ] as const) {
      await openLink(link)
      expect(getState().notice).toContain(sentence)
      expect(timeline().cursor).toBe(12)
    }
  })

  it('are not made of imported machines', async () => {
    await importText(fixture('qemu-q35-pmem.iomem.txt'))
    expect(linkNow()).toHaveProperty('refused')
  })
})

describe('imports', () => {
  it('open the machine that was pasted, and take ndctl’s word beside it', async () => {
    await importText(fixture('qemu-q35-pmem.ndctl-list.json'))
    expect(getState().findings[0]).toContain('import /proc/iomem of the same machine')
    await importText(
      `On Mon, somebody wrote:\n${fixture('qemu-q35-pmem.iomem.txt').replace(/^/gm, '> ')}`,
    )
    expect(getState().opened.scenario.title).toBe('An imported machine')
    expect(kernel().namespaces.at(1)).toMatchObject({ name: 'namespace0.0', driver: 'nd_pmem' })
    expect(kernel().resources.rows().length).toBeGreaterThan(25)
  })

  it('say what a recording comes to', async () => {
    await importText(fixture('recordings/fsdax-xfs-hold.jsonl'))
    expect(getState().findings[0]).toContain('241 of 241 observed fields agree')
  })

  it('answer bad input in a sentence, and leave what is open', async () => {
    const before = getState().opened
    for (const bad of ['', 'nonsense', '{"a":', '00100000-000fffff : x', '\u0000'])
      await importText(bad)
    expect(getState().findings).toHaveLength(1)
    expect(getState().opened).toBe(before)
  })

  it('say that a redacted listing has no addresses', async () => {
    await importText('00000000-00000000 : Reserved\n00000000-00000000 : System RAM')
    expect(getState().findings.join(' ')).toContain('root')
    expect(getState().opened.scenario.name).toBe(scenarios[0]?.name)
  })
})

describe('the library', () => {
  it('brings every operation to what is open, at the same moment of the same branch', async () => {
    begin(1, 'userLoad', { vpn: 1, value: 0, offset: 0 }, false)
    const { branch, cursor, kernel } = timeline()
    await loadScenarios()
    expect(timeline().kernel).not.toBe(kernel)
    expect(timeline().kernel.machine.operations.length).toBeGreaterThan(
      kernel.machine.operations.length,
    )
    expect(timeline().branch).toEqual(branch)
    expect(timeline().cursor).toBe(cursor)
    expect(timeline().branches).toHaveLength(2)
    expect(timeline().moments.at(-1)?.operation).toBe('userLoad')
  })
})

describe('opening a scenario', () => {
  it('says what cannot be opened', async () => {
    openScenarioWith(scenarios[0] as never, { preset: 'v9' })
    expect(getState().notice).toContain('There is no kernel preset "v9"')
  })
})
