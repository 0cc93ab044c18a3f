import type { Kernel } from '../../kernel'

type Bar = ReturnType<Kernel['pciBars']['at']>

/** A resource file that a device is to have: of a BAR, mapped uncached or write-combining. */
export interface ResourceFile {
  readonly bar: Bar
  readonly name: string
  readonly wc: 0 | 1
}

/** The BARs of a device that are not empty, by index. */
export const barsOf = (k: Kernel, dev: number): Bar[] =>
  k.pciBars
    .rows()
    .filter((bar) => bar.dev === dev)
    .sort((a, b) => a.number - b.number)

const filesOf = (k: Kernel, bar: Bar): ResourceFile[] => {
  const name = `resource${bar.number}`
  const isCombining = bar.prefetch === 1 && k.boots.at(1).mmap_wc === 1
  const plain: ResourceFile = { bar, name, wc: 0 }
  return isCombining ? [plain, { bar, name: `${name}_wc`, wc: 1 }] : [plain]
}

/** In the order in which pci_create_resource_files() creates them. */
export const resourceFilesOf = (k: Kernel, dev: number): ResourceFile[] =>
  barsOf(k, dev).flatMap((bar) => filesOf(k, bar))

/** res_attr[i], or res_attr_wc[i]. */
export const pointerOf = ({ bar, wc }: ResourceFile) => (wc === 1 ? bar.res_attr_wc : bar.res_attr)
