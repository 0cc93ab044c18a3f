import { commands, usageOf } from './commands'
import { say, UserError } from './output'

/**
 * `pinhole COMMAND …`: exit 0 fine, 1 a property is broken or a recording disagrees, 2 bad input, 3 a
 * search was stopped and has found nothing, which proves nothing.
 */
async function main([first = 'help', ...rest]: readonly string[]): Promise<number> {
  const name = isForHelp(first) ? 'help' : first
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined)
    throw new UserError(
      `There is no command "${name}"; known are ${Object.keys(commands).join(', ')}.`,
    )
  if (!rest.some(isForHelp)) return command.run(rest)
  say(usageOf(command))
  return 0
}

const isForHelp = (argument: string): boolean => argument === '--help' || argument === '-h'

/** Whoever reads our pipe has seen enough, as `head` does: what comes now is for nobody. */
function isUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

process.stdout.on('error', isUnread)
process.stderr.on('error', isUnread)

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    if (!(error instanceof UserError)) throw error
    say(error.message, process.stderr)
    process.exitCode = 2
  },
)
