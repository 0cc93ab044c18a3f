import { describe, expect, it } from 'vitest'
import { Cells } from './cells'

describe('rows of small numbers', () => {
  it.each([255, 256, 65_535, 65_536, 70_000, 2 ** 31 - 1])(
    'keep %i, the first number that is not small',
    (value) => {
      const cells = new Cells()
      cells.draft(3, 7)
      cells.keepDraft(0)
      cells.draft(0, value)
      cells.keepDraft(1)
      expect([cells.get(0, 3), cells.get(1, 3), cells.get(1, 0)]).toEqual([7, 7, value])
      expect([cells.isRow(0), cells.isRow(1)]).toEqual([false, true])
    },
  )
})
