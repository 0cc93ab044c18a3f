import { writeFileSync } from 'node:fs'
import { verdictText } from '../checker/verdict-text'
import { type Verdict, verdictsOf } from '../checker/verdicts'
import { presets } from '../linux/presets'
import { scenarios } from '../scenarios'
import type { Scenario } from '../scenarios/scenario'
import { parse } from './arguments'
import type { Command } from './command'
import { say, sayJson, UserError } from './output'
import { scenarioNamed } from './setup'

/** Where the table lies that the page shows and the tests compare with, and its twin to read. */
const TABLE = new URL('../checker/verdict-table.json', import.meta.url)
const PAGE = new URL('../../docs/verdicts.md', import.meta.url)

export const verdictsCommand: Command = {
  usage: 'verdicts [SCENARIO] [--write] [--json]',
  does: 'What the checker says of a scenario, or of all, under every kernel. --write renews the table.',
  run(args) {
    const options = { write: { type: 'boolean' }, json: { type: 'boolean' } } as const
    const { values, positionals } = parse(args, options, 1)
    const [name] = positionals
    const asked = name === undefined ? scenarios : [scenarioNamed(name)]
    if (values.write === true && name !== undefined)
      throw new UserError('--write renews the whole table: name no scenario.')
    const table: Record<string, readonly Verdict[]> = {}
    for (const scenario of asked) {
      table[scenario.name] = verdictsOf(scenario)
      if (values.json !== true) say(section(scenario, table[scenario.name] ?? []))
    }
    if (values.json === true) sayJson(table)
    if (values.write === true) {
      writeFileSync(TABLE, tableText(table))
      writeFileSync(PAGE, pageText(table))
    }
    return 0
  },
}

/** A line a verdict, so that a change of one shows as one. */
function tableText(table: Readonly<Record<string, readonly Verdict[]>>): string {
  const entries = Object.entries(table).map(([name, verdicts]) => {
    const lines = verdicts.map((verdict) => `    ${JSON.stringify(verdict)}`)
    return `  ${JSON.stringify(name)}: [\n${lines.join(',\n')}\n  ]`
  })
  return `{\n${entries.join(',\n')}\n}\n`
}

const HEAD = `# Verdicts

What the checker says of every scenario under every kernel, from every interleaving of what its threads
call. This page and the table that the program shows are written by \`npm run pinhole -- verdicts --write\`;
\`npm test\` searches everything again and compares every number.

A number behind a property is the length of a shortest schedule that breaks it, from where the threads are
free: some stories set the scene first, in their own order, and what is so by then is so from the
start. Properties that are not named hold, if the search came to its end. Not applicable are those that came upon nothing of what they
speak of. A search that stopped at its limit says what it found until then, and nothing else.
`

function pageText(table: Readonly<Record<string, readonly Verdict[]>>): string {
  const sections = scenarios.map((each) => section(each, table[each.name] ?? []))
  return `${[HEAD, ...sections].join('\n')}`
}

function section({ name, title, question }: Scenario, verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [
    kernelsText(verdict.kernels),
    verdictText(verdict),
    `${verdict.isComplete ? '' : '> '}${verdict.states.toLocaleString('en')}`,
    verdict.transitions.toLocaleString('en'),
  ])
  const head = ['kernels', 'verdict', 'states', 'transitions']
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  const vacuous = vacuousTexts(verdicts).map((text) => `${text}\n`)
  return `## ${title} (\`${name}\`)\n\n${question}\n\n${lines.join('\n')}\n\n${vacuous.join('\n')}`
}

/** Which properties came upon nothing that they speak of; by kernels, where that differs. */
function vacuousTexts(verdicts: readonly Verdict[]): string[] {
  const textOf = ({ notApplicable }: Verdict) => notApplicable.join(', ')
  const texts = [...new Set(verdicts.map(textOf))]
  return texts
    .filter((text) => text !== '')
    .map((text) => {
      const those = verdicts.filter((verdict) => textOf(verdict) === text)
      const kernels = presets
        .map(({ name }) => name)
        .filter((name) => those.some((verdict) => verdict.kernels.includes(name)))
      const where = texts.length === 1 ? '' : ` under ${kernelsText(kernels)}`
      return `Not applicable${where}: ${text}.`
    })
}

/** Versions that follow each other become a span. */
function kernelsText(kernels: readonly string[]): string {
  const names = presets.map(({ name }) => name)
  const spans: string[][] = []
  for (const name of kernels) {
    const last = spans.at(-1)
    const before = names[names.indexOf(name) - 1]
    if (last !== undefined && last.at(-1) === before && name.startsWith('v')) last.push(name)
    else spans.push([name])
  }
  return spans.map(([first, ...rest]) => [first, rest.at(-1) ?? []].flat().join('–')).join(', ')
}
