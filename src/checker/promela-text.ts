import type { Term } from './rules'
import type { Command, Tabulated, Verdict } from './tabulate'

/** A part of the state that changes, as a variable: its value is the number of the part's content. */
export interface Variable {
  readonly part: number
  readonly name: string
  /** What it is, where the name does not say so. */
  readonly about: string
  /** What each content is, at its number. */
  readonly contents: readonly string[]
}

export interface ModelParts extends Tabulated {
  /** The lines of the first comment. */
  readonly head: readonly string[]
  readonly variables: readonly Variable[]
  /** The names of the threads, by the numbers of their tasks. */
  readonly threads: ReadonlyMap<number, string>
  /** Name of the property. */
  readonly property: string
}

/** The whole model in Promela. */
export function modelText(model: ModelParts): string {
  const { head, variables, threads, commands, verdicts, property } = model
  const names = new Map(variables.map(({ part, name }) => [part, name]))
  const write = new Rulewriter(names)
  const tasks = [...new Set(commands.map(({ task }) => task))].sort((a, b) => a - b)
  return [
    comment(...head),
    ...variables.map(declaration),
    ...tasks.map((task) =>
      proctype(
        `task${task}_${identifier(threads.get(task) ?? '')}`,
        threads.get(task) ?? '',
        write.moves(commands.filter((command) => command.task === task)),
      ),
    ),
    proctype('always', `${property}, in every state`, write.breaches(verdicts)),
  ].join('\n')
}

/** What else a name may have in it, Promela's may not. */
const identifier = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+/g, '_')

/** A comment, which no text in it can end. */
function comment(...lines: readonly string[]): string {
  const safe = lines.map((line) => line.replaceAll('*/', '* /'))
  if (safe.length === 1) return `/* ${safe} */`
  return ['/*', ...safe.map((line) => ` * ${line}`.trimEnd()), ' */'].join('\n')
}

function declaration({ name, about, contents }: Variable): string {
  const type = contents.length <= 0x100 ? 'byte' : contents.length <= 0x8000 ? 'short' : 'int'
  const width = String(contents.length - 1).length
  const told = contents.map((text, number) => `  ${String(number).padStart(width)}  ${text}`)
  return `\n${comment(about === '' ? name : `${name}: ${about}`, ...told)}\n${type} ${name}`
}

/** A process that only makes moves, and may stop anywhere. */
const proctype = (name: string, about: string, lines: readonly string[]): string =>
  [
    `\n${comment(about)}`,
    `active proctype ${name}() {`,
    'end:',
    '  do',
    ...lines.map((line) => `  ${line}`),
    '  od',
    '}',
  ].join('\n')

/** Writes rules as options of a `do`, each of which SPIN takes as one transition. */
class Rulewriter {
  constructor(private readonly names: ReadonlyMap<number, string>) {}

  moves(commands: readonly Command[]): string[] {
    const steps = [...new Set(commands.map(({ step, does }) => `${step}: ${does}`))]
    return steps.flatMap((told) => [
      comment(told),
      ...commands
        .filter(({ step, does }) => `${step}: ${does}` === told)
        .map(({ guard, effect }) => option(this.isMet(guard), this.assigned(effect))),
    ])
  }

  breaches(verdicts: readonly Verdict[]): string[] {
    const broken = verdicts.filter(({ says }) => says !== undefined)
    const holds = verdicts.filter(({ says }) => says === undefined)
    const says = [...new Set(broken.map((verdict) => verdict.says as string))]
    const held = holds.map(({ guard }) => `(${this.isMet(guard)})`).join('\n      || ')
    return [
      ...says.flatMap((each) => [
        comment(each),
        ...broken
          .filter((verdict) => verdict.says === each)
          .map(({ guard }) => option(this.isMet(guard), 'assert(false)')),
      ]),
      comment('Any other contents than those with which it holds.'),
      option(`!(${held || 'false'})`, 'assert(false)'),
    ]
  }

  private isMet(guard: readonly Term[]): string {
    return guard.map((term) => `${this.name(term)} == ${term.value}`).join(' && ') || 'true'
  }

  private assigned(effect: readonly Term[]): string {
    return effect.map((term) => `${this.name(term)} = ${term.value}`).join('; ') || 'skip'
  }

  private name({ part }: Term): string {
    return this.names.get(part) as string
  }
}

const option = (guard: string, effect: string): string => `:: d_step { ${guard} -> ${effect} }`
