import { readAny, toJson } from '../formats'
import { parse, readInput } from './arguments'
import type { Command } from './command'
import { sayJson, UserError } from './output'

const options = {
  as: { type: 'string' },
  lenient: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const importCommand: Command = {
  usage: 'import FILE|- [--as iomem|cxl|daxctl|ndctl] [--lenient] [--json]',
  does: 'What a machine printed, as a tree or topology in JSON. The kind is detected.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const mode = values.lenient === true ? 'lenient' : 'strict'
    const read = readAny(readInput(positionals[0]), values.as, { mode })
    if (!read.ok) throw new UserError(read.error.sentence)
    sayJson(toJson(read.value, read.warnings))
    return 0
  },
}
