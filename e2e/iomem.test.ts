import { expect, test } from '@playwright/test'
import { property, readOnTo, story } from './board'

test('a driver claims half of a mapped BAR: two entries go, two stay, and the process finds out', async ({
  page,
}) => {
  await page.goto('./#s/half-a-bar')
  await readOnTo(page, 'mmap() of resource0 writes all four entries')
  await expect(page.getByRole('button', { name: /PTE 1 and 2 more/ }).first()).toBeVisible()
  await readOnTo(page, 'Only pages 2 and 3 have an entry')
  await expect(page.getByRole('button', { name: /PTE 2 and 1 more/ }).first()).toBeVisible()
  await readOnTo(page, 'SIGBUS')
  await expect(story(page)).toContainText('BUS_ADRERR')
  await page.getByRole('button', { name: /^Next/ }).click()
  await expect(page.getByRole('heading', { name: /^And page 2/ })).toBeVisible()
  await expect(page.getByText('The load goes through.')).toBeVisible()
})

test('the same under each design, side by side', async ({ page }) => {
  await page.goto('./#s/half-a-bar')
  await page.getByRole('button', { name: 'Compare' }).click()
  const table = page.getByRole('region', { name: 'Stories side by side' })
  await expect(table.getByRole('columnheader').nth(2)).toBeVisible()
  const claim = page.getByRole('row', { name: /^A driver claims the first two pages/ })
  await expect(claim).toContainText('Only pages 2 and 3 have an entry')
  await expect(claim).toContainText('All four pages have an entry')
  await expect(claim).toContainText('somebody maps the range')
  const first = page.getByRole('row', { name: /^The tool reads page 0/ })
  await expect(first).toContainText('SIGBUS')
  // Choosing a column goes on with its rule.
  await table.getByRole('columnheader').last().getByRole('button').click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

test('a stray write reaches pmem, or faults on a key', async ({ page }) => {
  await page.goto('./#s/pks-stray-write')
  await page.keyboard.press('End')
  await expect(property(page, 'durability')).toBeVisible()
  await expect(page.getByRole('button', { name: /^CPU0;.*PKRS/ }).first()).toBeVisible()
})

test('the boot race ends without the file, or with it, as the worker and the initcall meet', async ({
  page,
}) => {
  await page.goto('./#s/two-creators-the-worker-loses')
  await page.keyboard.press('End')
  await expect(property(page, 'oneResourceFile')).toContainText('broken at step')
  await expect(page.getByText('initcalls').first()).toBeVisible()
})
