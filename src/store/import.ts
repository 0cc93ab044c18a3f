import type { Imported } from '../formats'
import { openScenarioWith } from './session'
import { getState, setState } from './store'

type Readers = typeof import('../formats/readers')

/** Imports a text that was pasted, dropped or chosen; every answer is in sentences. */
export async function importText(text: string): Promise<void> {
  const readers = await import('../formats/readers').catch(() => undefined)
  if (readers === undefined) {
    setState({ findings: ['The part of the page that reads listings could not be loaded.'] })
    return
  }
  const read = readers.readAny(text)
  if (!read.ok) {
    setState({ findings: [read.error.sentence] })
    return
  }
  setState({ findings: [...read.warnings, ...accept(read.value, readers)] })
}

function accept(imported: Imported, readers: Readers): string[] {
  switch (imported.kind) {
    case 'iomem':
      setState({ listing: imported.listing })
      return openMachine(readers)
    case 'ndctl':
      setState({ regions: imported.regions })
      return getState().listing === undefined
        ? ['ndctl list says no addresses: import /proc/iomem of the same machine as well.']
        : openMachine(readers)
    case 'cxl':
      return openCxl(readers.cxlMachineOf(imported.topology))
    case 'daxctl':
      return [
        `${imported.devices.length} DAX devices. This version reads them, and does not simulate them yet.`,
      ]
    case 'recording': {
      const { name, kernel, records, compared, agreed } = readers.replay(imported.recording)
      return [
        `Recording ${name} of Linux ${kernel}: ${records} steps replayed, ${agreed} of ${compared} observed fields agree.`,
      ]
    }
    default:
      return imported satisfies never
  }
}

function openCxl(machine: ReturnType<Readers['cxlMachineOf']>): string[] {
  if (!machine.ok) return [machine.error.sentence]
  openScenarioWith(machine.value)
  return [...machine.warnings, 'The machine is open: what if a card is pulled?']
}

/** Opens the machine as far as it is known: the listing, with what ndctl says of its namespaces. */
function openMachine({ machineOf }: Readers): string[] {
  const { listing, regions } = getState()
  if (listing === undefined) return []
  const machine = machineOf(listing, regions)
  if (!machine.ok) return [machine.error.sentence]
  openScenarioWith(machine.value)
  return [...machine.warnings, 'The machine is open: what if its device is pulled?']
}
