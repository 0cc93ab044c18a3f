import { readLink } from '../formats/permalink'
import { readChoices } from '../formats/traces/choices'
import type { Choice } from '../machine'
import type { Scenario } from '../scenarios/scenario'
import { readInput } from './arguments'
import { UserError } from './output'

/** The choices of a link, or of a file that holds one, or that lists them as `check --json` does. */
export function choicesOf(scenario: Scenario, asked: string): readonly Choice[] {
  const text = asked.includes('#') ? asked : readInput(asked)
  if (/^\s*[[{]/.test(text)) {
    const choices = readChoices(text)
    if (!choices.ok) throw new UserError(choices.error.sentence)
    return choices.value
  }
  const link = readLink(text)
  if (!link.ok) throw new UserError(link.error.sentence)
  const { scenario: name, choices } = link.value
  if (name !== scenario.name) throw new UserError(`The link is of scenario "${name}".`)
  if (choices === undefined) throw new UserError('The link holds no schedule of its own.')
  return choices
}
