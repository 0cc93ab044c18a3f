import { describe, expect, it } from 'vitest'
import { invariantsOf } from './invariant'
import type { AnyKernel } from './operation'

const { always, alwaysByTask, sometimes, sometimesByTask } = invariantsOf<AnyKernel>()

const named = { name: 'quiet', claim: 'Nobody speaks.', sources: [] }
const nothing = () => undefined

describe('a property', () => {
  it('is one of the whole state or one of tasks: what is both does not compile', () => {
    const both = [
      // @ts-expect-error: who is asked task by task would never be asked whether its window is open
      always({ ...named, windows: [], broken: nothing, byTask: nothing }),
      // @ts-expect-error: a window is no matter of one task
      alwaysByTask({ ...named, windows: [], byTask: nothing }),
      // @ts-expect-error: it is asked in two ways
      alwaysByTask({ ...named, broken: nothing, byTask: nothing }),
      // @ts-expect-error: it is asked in two ways
      sometimes({ ...named, shown: nothing, byTask: nothing }),
      // @ts-expect-error: it is asked in two ways
      sometimesByTask({ ...named, shown: nothing, byTask: nothing }),
      // @ts-expect-error: only tasks are asked sometimes only
      always({ ...named, broken: nothing, when: () => true }),
    ]
    expect(both.map(({ kind }) => kind)).toEqual([
      'always',
      'always',
      'always',
      'sometimes',
      'sometimes',
      'always',
    ])
  })

  it('is silent in its windows, which one of tasks has none of', () => {
    const found = { table: 'tasks', id: 1, says: 'A speaks.' }
    const broken = () => found
    const isOpen = (open: boolean) => [{ says: 'while it is open', isOpen: () => open }]
    const kernel = {} as AnyKernel
    expect(always({ ...named, broken, windows: isOpen(false) }).broken(kernel)).toBe(found)
    expect(always({ ...named, broken, windows: isOpen(true) }).broken(kernel)).toBeUndefined()
    expect(alwaysByTask({ ...named, byTask: nothing }).windows).toEqual([])
  })
})
