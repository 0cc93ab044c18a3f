import { readLink } from '../formats/permalink'
import type { Choice } from '../machine'
import { readInput } from './arguments'
import { UserError } from './output'

/** The choices of a link, or of a file that holds one. */
export function choicesOf(text: string): readonly Choice[] {
  const link = readLink(text.includes('#') ? text : readInput(text))
  if (!link.ok) throw new UserError(link.error.sentence)
  if (link.value.choices === undefined)
    throw new UserError('The link holds no schedule of its own.')
  return link.value.choices
}
