import { expect, test } from '@playwright/test'

test('on a phone the table of stories scrolls by itself, and the dialog does not', async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('./#s/devdax-under-a-pin')
  await page.getByRole('button', { name: 'Compare' }).click()
  const table = page.getByRole('region', { name: 'Stories side by side' })
  await expect(table.getByRole('columnheader').nth(2)).toBeAttached()
  const tooWide = (element: Element) => element.scrollWidth - element.clientWidth
  expect(await page.getByRole('dialog').evaluate(tooWide)).toBeLessThanOrEqual(0)
  expect(await table.evaluate(tooWide)).toBeGreaterThan(0)
})

test('the schedule under two designs, side by side; a step opens, and so does what only one reaches', async ({
  page,
}) => {
  await page.goto('./#s/gup-fast-vs-remove')
  await page.getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('tab', { name: 'This schedule' }).click()
  const steps = page.getByRole('region', { name: 'Step by step' })
  await expect(page.getByText('4 of 11 steps differ.')).toBeVisible()
  await expect(steps.getByText('The first step that differs')).toBeVisible()
  await steps
    .getByRole('button', { name: /unmap_mapping_range/ })
    .first()
    .click()
  await expect(page.getByText(/step 7 of 10/)).toBeVisible()

  await page.getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('tab', { name: 'Every interleaving' }).click()
  await page.getByRole('button', { name: 'Compare every interleaving' }).click()
  const spaces = page.getByRole('region', { name: 'Every interleaving' })
  await expect(spaces.getByRole('row', { name: /^removeDoneMeansUnheld/ })).toContainText('broken')
  await spaces.getByRole('button', { name: 'Open under B' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByText(/step 3 of 3/)).toBeVisible()
})
