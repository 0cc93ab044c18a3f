import { invariants } from '../linux/invariants'
import { modelInvariants } from '../linux/invariants/families/model'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import { citation } from '../machine'
import { scenarios } from '../scenarios'
import { parse } from './arguments'
import type { Command } from './command'
import { say, sayJson } from './output'

const inventory = () => ({
  scenarios: scenarios.map(({ name, title, family, question, params, recorded }) => ({
    name,
    title,
    family,
    question,
    params,
    recorded: recorded?.kernel ?? null,
  })),
  policies: policies.map(({ name, question, initial, values }) => ({
    name,
    question,
    initial,
    values: Object.entries(values).map(([value, { title, says }]) => ({ value, title, says })),
  })),
  presets,
  properties: [...invariants, ...modelInvariants].map((property) => ({
    name: property.name,
    kind: property.kind,
    claim: property.claim,
    mayBeBroken: property.kind === 'always' ? property.windows.map(({ says }) => says) : [],
    sources: property.sources.map(citation),
  })),
  operations: operations.map(({ name, does, source, leftOut }) => ({
    name,
    does,
    source: citation(source),
    leftOut,
  })),
})

export const list: Command = {
  usage: 'list [--json]',
  does: 'Scenarios, policies with their values, kernel presets, properties, operations.',
  run(args) {
    const { values } = parse(args, { json: { type: 'boolean' } }, 0)
    const found = inventory()
    if (values.json === true) sayJson(found)
    else for (const [what, entries] of Object.entries(found)) print(what, entries)
    return 0
  },
}

function print(what: string, entries: readonly object[]): void {
  say(`\n${what}`)
  const width = Math.max(...entries.map((entry) => String(Reflect.get(entry, 'name')).length))
  for (const entry of entries) {
    const { name, title, does, claim, question } = entry as Record<string, unknown>
    say(`  ${String(name).padEnd(width)}  ${String(title ?? does ?? claim ?? question)}`)
  }
}
