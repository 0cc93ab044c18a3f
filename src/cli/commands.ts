import { check } from './check'
import type { Command } from './command'
import { compare } from './compare'
import { importCommand } from './import'
import { list } from './list'
import { say } from './output'
import { promelaCommand } from './promela'
import { replayCommand } from './replay'
import { run } from './run'
import { verdictsCommand } from './verdicts'

const help: Command = {
  usage: 'help',
  does: 'Prints this.',
  run() {
    for (const { usage, does } of Object.values(commands)) say(`${usage}\n    ${does}`)
    return 0
  },
}

export const commands: Readonly<Record<string, Command>> = {
  list,
  run,
  check,
  compare,
  import: importCommand,
  replay: replayCommand,
  promela: promelaCommand,
  verdicts: verdictsCommand,
  help,
}
