import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { projectFiles, type SourceFile, sourceFiles } from './testing/architecture/files'
import { broughtAlong, importCycles, layerViolations } from './testing/architecture/layers'
import {
  unlistedFiles,
  unlistedFolders,
  unlistedOperations,
} from './testing/architecture/registries'
import {
  badNames,
  defaultExports,
  impurities,
  starExports,
  tooLong,
} from './testing/architecture/shape'

vi.mock('react', () => {
  throw new Error('the engine imports React')
})

const files = sourceFiles()
const sample = (path: string, text: string): SourceFile[] => [{ path, text }]

describe('who imports whom', () => {
  it('goes by the table of layers', () => {
    expect(layerViolations(files)).toEqual([])
  })

  it('is caught where it goes the other way', () => {
    expect(
      layerViolations(sample('src/arena/x.ts', "import { a } from '../linux/kernel'")),
    ).toHaveLength(1)
    expect(
      layerViolations(sample('src/linux/x.ts', "import { useState } from 'react'")),
    ).toHaveLength(1)
    expect(
      layerViolations(sample('src/diagrams/x.ts', "import { a } from '../store/store'")),
    ).toHaveLength(1)
    expect(layerViolations(sample('src/ui/x.ts', "import { create } from 'zustand'"))).toHaveLength(
      1,
    )
    expect(layerViolations(sample('src/other/x.ts', "import { a } from './y'"))).toHaveLength(1)
  })

  it('makes no circle, of types either', () => {
    expect(importCycles(files)).toEqual([])
  })

  it('is caught where it makes a circle', () => {
    const path = 'src/arena/arena.ts'
    expect(importCycles(sample(path, "import type { Arena } from './arena'"))).toHaveLength(1)
  })

  it('leaves the engine without React', async () => {
    const { operations } = await import('./linux/operations')
    const { scenarios } = await import('./scenarios')
    expect(operations.length).toBeGreaterThan(30)
    expect(scenarios.length).toBeGreaterThan(0)
  })
})

describe('shape', () => {
  it('has no file and no function that is too long', () => {
    expect(tooLong(files)).toEqual([])
    const long = `export function f() {\n${'  a()\n'.repeat(61)}}`
    expect(tooLong(sample('src/ui/x.ts', long))).toHaveLength(1)
    expect(tooLong(sample('src/ui/x.ts', 'const a = 1\n'.repeat(301)))).toHaveLength(1)
  })

  it('has no `export *` and no default export', () => {
    expect([...starExports(files), ...defaultExports(files)]).toEqual([])
    expect(starExports(sample('src/ui/x.ts', "export * from './y'"))).toHaveLength(1)
    expect(defaultExports(sample('src/ui/x.ts', 'export default 1'))).toHaveLength(1)
  })

  it('keeps chance, clock and page out of the engine', () => {
    expect(impurities(files)).toEqual([])
    expect(impurities(sample('src/linux/mm/x.ts', 'const a = Math.random()'))).toHaveLength(1)
  })

  it('names files as the page of rules says', () => {
    expect(badNames(projectFiles())).toEqual([])
    expect(badNames(['src/ui/someThing.ts', 'src/arena/Thing.ts'])).toHaveLength(2)
  })
})

describe('registries', () => {
  const operations = ['operations', 'operations-later']
    .map((list) => readFileSync(`src/linux/${list}.ts`, 'utf8'))
    .join('\n')

  it('list every operation', () => {
    expect(unlistedOperations(files, operations)).toEqual([])
    const stray = sample('src/linux/mm/x.ts', 'export const stray_op = operation({})')
    expect(unlistedOperations(stray, operations)).toHaveLength(1)
  })

  it('list every operation that comes along with those that the page opens with', () => {
    const path = 'src/linux/opening-operations.ts'
    const along = broughtAlong(files, path)
    const opening = readFileSync(path, 'utf8')
    expect(along.length).toBeGreaterThan(50)
    expect(along.length).toBeLessThan(files.filter((file) => /linux/.test(file.path)).length)
    expect(unlistedOperations(along, opening)).toEqual([])
    expect(unlistedOperations(files, opening)).not.toEqual([])
  })

  it('list every policy, property, scenario, diagram and format', () => {
    expect(unlistedFiles(files, 'src/linux/policies', 'src/linux/policies/index.ts')).toEqual([])
    expect(unlistedFiles(files, 'src/linux/invariants', 'src/linux/invariants/index.ts')).toEqual(
      [],
    )
    expect(unlistedFolders(files, 'src/diagrams', 'src/diagrams/index.ts')).toEqual([])
    const helpers =
      /(scenario|open|cxl-machine|cxl-topology|cxl-what-if|dax-boot|dax-machine|dax-story|gpu-machine|pmem-machine|memory-machine|memory-story|boot-machine|boot-story|pks-machine|pks-story|side-by-side|two-setups|iomem-machine|iomem-story)\.ts$/
    const scenarios = unlistedFiles(files, 'src/scenarios', 'src/scenarios/index.ts')
    expect(scenarios.filter((path) => !helpers.test(path))).toEqual([])
    const formats = unlistedFiles(files, 'src/formats', 'src/formats/index.ts')
    expect(
      formats.filter(
        (path) =>
          !/(cxl-import|iomem-flags|link-checks|machine-import|mail-trace|permalink|readers)\.ts$/.test(
            path,
          ),
      ),
    ).toEqual([])
  })

  it('bite', () => {
    const stray = sample('src/linux/policies/stray.ts', '')
    expect(unlistedFiles(stray, 'src/linux/policies', 'src/linux/policies/index.ts')).toHaveLength(
      1,
    )
    expect(
      unlistedFolders(
        sample('src/diagrams/stray/select.ts', ''),
        'src/diagrams',
        'src/diagrams/index.ts',
      ),
    ).toHaveLength(1)
  })
})

describe('texts', () => {
  const texts = projectFiles().filter((path) =>
    /\.(ts|tsx|mjs|json|md|css|html|yml|txt|jsonl)$|run$/.test(path),
  )

  it('name no machine’s folders and no registry’s host', () => {
    const needles = ['/wo' + 'rk/', '/ro' + 'ot/', 'registry.npm' + 'js', 'deb.deb' + 'ian.org']
    const found = texts.flatMap((path) => {
      const text = readFileSync(path, 'utf8')
      return needles.filter((needle) => text.includes(needle)).map((needle) => `${path}: ${needle}`)
    })
    expect(found).toEqual([])
  })

  it('link to files that are there', () => {
    const dead = ['README.md', 'CONTRIBUTING.md'].flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(dirname(page), target))),
    )
    expect(dead).toEqual([])
  })
})
