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
  does: 'Prints this; COMMAND --help prints what one command takes.',
  run() {
    say(EXIT_CODES)
    for (const command of Object.values(commands)) say(usageOf(command))
    return 0
  },
}

const EXIT_CODES =
  'Exit 0: fine. 1: a property is broken, a thread hangs or goes round, or something differs. 2: bad input. 3: a search was stopped and has found nothing. 130: Ctrl-C ended a search.\n'

export const usageOf = ({ usage, does }: Command): string => `${usage}\n    ${does}`

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
