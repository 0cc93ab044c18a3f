import type { Kernel } from '../linux/kernel'
import { bootBootMachine, runToLevel } from './boot-machine'
import { filesText, hasFile, initcalls, isStatic, warnedText, works } from './boot-story'
import type { Scenario, Setup } from './scenario'

const DEVICE = '0000:01:00.0'
const CARD = '0000:03:00.0'

function build(setup: Setup): Kernel {
  const k = bootBootMachine(setup, {
    hosts: [
      {
        name: 'pci0000:00',
        probe: 'subsys',
        devices: [
          { name: DEVICE, bars: [{ number: 0, start: 0xfe000000, length: 0x100000 }] },
          { name: CARD, hotplug: true, bars: [{ number: 0, start: 0xfd000000, length: 0x10000 }] },
        ],
      },
    ],
    admins: ['pciehp', 'root shell'],
    processes: ['app'],
  })
  runToLevel(k, 'late')
  return k
}

const card = (k: Kernel) => ({ dev: k.pciDevs.find(({ name }) => name === CARD)?.id ?? 0 })

/** Class S3 of the iomem sheet, §3.3, with a card in place of a host bridge; then the dangling pointer. */
export const hotAddDuringBoot: Scenario = {
  name: 'hot-add-during-boot',
  title: 'A card is put in during boot',
  question:
    'A slot comes to life while the late initcall walks the devices. Who creates the files of the card, and what does its removal free?',
  preset: 'v6.12',
  policies: ['resourceFiles', 'resAttrStore'],
  params: {},
  simplified: [
    'Most races of this kind are between a host bridge that probes late and the initcall; this one needs a card at the right moment.',
    'Memory that was freed is not used again: what a freed attribute holds stays readable.',
  ],
  build,
  story: [
    {
      title: 'Level 7.',
      text: (policies, k) =>
        `${DEVICE} was enumerated at level 4, and added. ${filesText(k, DEVICE)}, ${isStatic(policies) ? 'from device_add(): there is no late initcall' : 'from the late initcall, which walks the klist'}.`,
      acts: [initcalls('created')],
    },
    {
      title: 'pciehp finds a card.',
      text: (policies) =>
        `The slot is scanned: ${CARD} is at the tail of the klist${isStatic(policies) ? ', with its files' : ', ahead of a loop that is still walking'}.`,
      acts: [{ who: 'pciehp', operation: 'board_added', args: card, until: 'fixups' }],
    },
    {
      title: 'Pid 1 goes on, to user space.',
      text: (policies, k) =>
        `${policies['resourceFiles'] === 'flagAfterLoop' ? 'The card is not added yet, so it is passed over. ' : ''}${filesText(k, CARD)}.`,
      acts: [initcalls()],
    },
    {
      title: 'pciehp adds the card.',
      text: (_policies, k) =>
        `${warnedText(k)} ${filesText(k, CARD)}. ${hasFile(k, CARD) ? 'The card has what it should have.' : 'The card works, and has no file that user space could map.'}`,
      acts: [works('pciehp')],
    },
    {
      title: 'The card is removed.',
      text: (policies, k) => {
        const isTwice = k.binAttributes.rows().some(({ frees }) => frees > 1)
        if (isTwice)
          return 'pci_stop_dev() unwinds by the same pointers: the name is read after it was freed, and the attribute is freed a second time.'
        return isStatic(policies)
          ? 'The directory goes, with its files. The attribute is static, and stays.'
          : 'The file goes, and its attribute is freed, once.'
      },
      acts: [
        {
          who: 'root shell',
          operation: 'pci_stop_and_remove_bus_device',
          args: card,
          until: 'destroy',
        },
      ],
    },
  ],
}
