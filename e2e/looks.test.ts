import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

const scenarios = [
  'the-driver-is-gone',
  'qemu-q35-pmem',
  'gup-fast-vs-remove',
  'cxl-surprise-removal',
] as const

/** Moments with much to see. */
const moments = ['the-driver-is-gone@80', 'cxl-surprise-removal@20', 'cxl-replaced@70'] as const

async function violationsOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

for (const theme of ['light', 'dark'] as const)
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const)
    for (const moment of moments)
      test(`nothing overflows and axe finds nothing: ${moment}, ${theme} at ${width}×${height}`, async ({
        page,
      }) => {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height })
        await page.goto(`./#s/${moment}`)
        const [name, step] = moment.split('@')
        await expect(page.getByText(new RegExp(`step ${step} of`))).toBeVisible()
        if (name?.startsWith('cxl')) await expect(page.getByText('CXL TOPOLOGY')).toBeVisible()
        const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(scrollWidth).toBeLessThanOrEqual(width)
        expect(await violationsOf(page)).toEqual([])
      })

test('the badge opens what the kernel printed, and axe finds nothing', async ({ page }) => {
  await page.goto('./#s/the-driver-is-gone@80')
  await page.getByRole('button', { name: /^recorded on/ }).click()
  await expect(page.getByText('75 of 75 observed fields agree.')).toBeVisible()
  expect(await violationsOf(page)).toEqual([])
})

test('the card that serves an address is told by pointing, and by typing', async ({ page }) => {
  await page.goto('./#s/cxl-surprise-removal@0')
  await page.getByRole('button', { name: /^HPA 0x480005000/ }).hover()
  await expect(page.getByText('mem1, DPA 0x2000', { exact: true })).toBeVisible()
  await page.getByLabel('Host physical address').fill('0x480003010')
  await page.mouse.move(0, 0)
  await expect(page.getByText('mem1, DPA 0x1010', { exact: true })).toBeVisible()
})

test('rules with long names do not run off a phone', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('./#s/vmsplice-leak')
  await expect(page.locator('.settings select').nth(2)).toBeVisible()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
})

for (const name of scenarios)
  test(`${name} plays to its end and back without an error`, async ({ page }) => {
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(`./#s/${name}`)
    const slider = page.getByRole('slider', { name: 'Moment' })
    await expect(slider).toHaveAttribute('aria-valuenow', '0')
    await page.keyboard.press('End')
    await expect(slider).toHaveAttribute(
      'aria-valuenow',
      (await slider.getAttribute('aria-valuemax')) ?? '',
    )
    await page.keyboard.press('Home')
    await expect(slider).toHaveAttribute('aria-valuenow', '0')
    expect(errors).toEqual([])
  })
