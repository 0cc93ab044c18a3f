import { expect, test } from '@playwright/test'

test('an embed shows the board alone in a sandbox of scripts only, and touches nothing outside', async ({
  page,
  baseURL,
}) => {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.setContent(
    `<iframe title="Pinhole" sandbox="allow-scripts" width="1300" height="760" src="${baseURL}?embed#s/the-driver-is-gone@80"></iframe>`,
  )
  const frame = page.frameLocator('iframe')
  await expect(
    frame.getByRole('button', { name: /PTE 1; leaf, 4 KiB.*no struct page/ }),
  ).toBeVisible()
  await expect(frame.getByRole('heading', { name: 'Properties' })).toBeHidden()
  await frame.getByRole('button', { name: 'Step back' }).click()
  await expect(frame.getByText(/step 79 of 129/)).toBeVisible()
  expect(errors).toEqual([])
})

test('an embed leaves its own address alone', async ({ page }) => {
  await page.goto('./?embed#s/the-driver-is-gone@10')
  await page.getByRole('button', { name: 'Step forward' }).click()
  await page.waitForTimeout(500)
  expect(page.url()).toContain('#s/the-driver-is-gone@10')
  expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2)
})
