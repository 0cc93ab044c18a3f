import AxeBuilder from '@axe-core/playwright'
import { expect, test } from '@playwright/test'

const scenarios = ['the-driver-is-gone', 'qemu-q35-pmem', 'gup-fast-vs-remove'] as const

for (const theme of ['light', 'dark'] as const)
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const)
    test(`nothing overflows and axe finds nothing, ${theme} at ${width}×${height}`, async ({
      page,
    }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height })
      await page.goto('./#s/the-driver-is-gone@80')
      await expect(page.getByText(/step 80 of 128/)).toBeVisible()
      const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(scrollWidth).toBeLessThanOrEqual(width)
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
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
