import AxeBuilder from '@axe-core/playwright'
import { expect, type FrameLocator, type Page, test } from '@playwright/test'
import { writeLink } from '../src/formats/permalink'
import { property, story } from './board'

const dialog = (page: Page | FrameLocator) => page.getByRole('dialog', { name: 'Check' })
const start = (page: Page | FrameLocator) =>
  dialog(page).getByRole('button', { name: 'Check', exact: true })

interface Point {
  readonly x: number
  readonly y: number
}

/** A link to the race with so many CPUs, long enough to be stopped with eight. */
const race = (cpus: number): string =>
  writeLink({
    scenario: 'gup-fast-vs-remove',
    preset: 'v6.12',
    policies: {},
    params: { cpus },
    cursor: 0,
  })

async function openCheck(page: Page | FrameLocator): Promise<void> {
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await expect(start(page)).toBeVisible()
}

test('a search is seen and cancelled, and the next one is answered', async ({ page }) => {
  await page.goto(`./#${race(8)}`)
  await expect(page.getByLabel('CPUs that pin')).toHaveValue('8')
  await openCheck(page)
  await dialog(page).getByLabel('States').selectOption('5,000,000 states')
  await start(page).click()
  const states = dialog(page).getByRole('definition').first()
  await expect(states).toHaveText(/^[\d,]+,\d{3}$/)
  await dialog(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog(page).getByText(/Cancelled, after [\d,]+ states/)).toBeVisible()
  await expect(dialog(page).getByText('Explored in a worker')).toBeVisible()

  await dialog(page).getByLabel('States').selectOption('10,000 states')
  await start(page).click()
  await expect(dialog(page).getByText(/Stopped at the limit of states/)).toBeVisible()
})

test('a long search is shared out among workers where there are cores', async ({ page }) => {
  await page.addInitScript(() =>
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 }),
  )
  await page.goto(`./#${race(8)}`)
  await openCheck(page)
  await dialog(page).getByLabel('States').selectOption('5,000,000 states')
  await start(page).click()
  const progress = dialog(page).getByRole('region', { name: 'Progress' })
  await expect(progress.getByText('with 3 more that share the states out')).toBeVisible()
  // What the helpers say is taken up.
  await expect(progress.getByRole('definition').first()).toHaveText(/^[\d,]+\d{2},\d{3}$/)
  await dialog(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog(page).getByText(/Cancelled, after [\d,]+ states/)).toBeVisible()
  await expect(progress.getByText('Explored in a worker, with 3 more')).toBeVisible()
})

test('every interleaving of three CPUs and remove() is explored', async ({ page }) => {
  await page.goto(`./#${race(3)}`)
  await openCheck(page)
  await start(page).click()
  await expect(dialog(page).getByText('all 1,225 states were explored')).toBeVisible()
  await expect(dialog(page).getByRole('row', { name: /go round for ever/ })).toContainText('holds')
})

test('a counterexample is played to the step that breaks it, and shared', async ({
  page,
  context,
}) => {
  await page.goto('./#s/the-read-fault-window')
  await openCheck(page)
  await start(page).click()
  await expect(dialog(page).getByText(/Broken in 58 steps/)).toBeVisible({ timeout: 30_000 })
  await expect(
    dialog(page).getByText('Step 83 of its schedule: 58 steps after the 25 that set the scene.'),
  ).toBeVisible()
  await dialog(page)
    .getByText(/others are as short/)
    .click()
  await expect(dialog(page).getByRole('button', { name: /^Open schedule 3/ })).toBeVisible()
  await dialog(page)
    .getByRole('button', { name: /^Open the schedule of noPteToDeadPgmap/ })
    .click()
  await expect(dialog(page)).toHaveCount(0)
  await expect(page.getByRole('slider', { name: 'Moment' })).toBeFocused()
  await expect(page.getByRole('status')).toContainText(/Broken here: .* This is step 83:/)

  await page.keyboard.press('Home')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('holds')
  await expect(page.locator('.flag.ahead')).toBeAttached()
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowLeft')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('holds')
  await page.keyboard.press('ArrowRight')
  await expect(page.getByText(/step 83 of 83/)).toBeVisible()
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('broken at step 83')

  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await expect(page.getByText(/fits a mail/)).toBeVisible()
  const other = await context.newPage()
  await other.goto(await page.getByRole('textbox', { name: 'Link' }).inputValue())
  await expect(other.getByText(/step 83 of 83/)).toBeVisible()
  await expect(property(other, 'noPteToDeadPgmap')).toContainText('broken at step 83')
  // The story went another way, and says nothing of this.
  await expect(story(other).getByText(/^From 6\.8 on XFS freezes itself/)).toBeVisible()
})

test('a pointer that is left where a schedule was opened points at nothing until it moves', async ({
  page,
}) => {
  await page.goto('./#s/imx6-cannot-boot')
  await openCheck(page)
  await start(page).click()
  const open = dialog(page).getByRole('button', { name: /^Open the schedule of oneResourceFile/ })
  await open.click()
  await expect(dialog(page)).toHaveCount(0)
  const mark = (await page.locator('.board .mark').first().boundingBox()) as Point
  await page.getByRole('button', { name: /^Check/ }).click()
  // The dialog is moved, so that what opens the schedule is over that object of the board.
  const at = (await open.boundingBox()) as Point
  await dialog(page).evaluate(
    (element, [x, y]) => {
      element.style.translate = `${x}px ${y}px`
    },
    [mark.x - at.x, mark.y - at.y] as const,
  )
  await open.click({ position: { x: 12, y: 12 } })
  await expect(dialog(page)).toHaveCount(0)
  await expect(page.getByRole('slider', { name: 'Moment' })).toBeFocused()
  await expect(page.locator('.board .dim')).toHaveCount(0)
  await page.mouse.move(mark.x + 16, mark.y + 16, { steps: 4 })
  await expect(page.locator('.board .dim').first()).toBeAttached()
})

test('a search goes on while the board is looked at', async ({ page }) => {
  await page.goto(`./#${race(8)}`)
  await openCheck(page)
  await dialog(page).getByLabel('States').selectOption('5,000,000 states')
  await start(page).click()
  await expect(dialog(page).getByRole('definition').first()).toHaveText(/^[\d,]+,\d{3}$/)
  await page.keyboard.press('Escape')
  await expect(dialog(page)).toHaveCount(0)
  const sign = page.getByRole('button', { name: /^Check \(a search runs\)$/ })
  await expect(sign).toBeFocused()
  await page.keyboard.press('End')
  await expect(page.getByText(/step (\d+) of \1/)).toBeVisible()
  await sign.click()
  await dialog(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog(page).getByText(/Cancelled, after [\d,]+ states/)).toBeVisible()
  await expect(dialog(page).getByLabel('States')).toHaveValue('5000000')
})

test('a frame with a sandbox of scripts only has a worker too', async ({ page, baseURL }) => {
  await page.setContent(
    `<iframe title="Pinhole" sandbox="allow-scripts" width="1300" height="760" src="${baseURL}#${race(3)}"></iframe>`,
  )
  const frame = page.frameLocator('iframe')
  await openCheck(frame)
  await start(frame).click()
  await expect(dialog(frame).getByText('all 1,225 states were explored')).toBeVisible()
  await expect(dialog(frame).getByText('Explored in a worker')).toBeVisible()
})

test('where a worker is forbidden, the page itself gives the same answer', async ({ page }) => {
  await page.route('./', async (route) => {
    const response = await route.fetch()
    const headers = { ...response.headers(), 'content-security-policy': "worker-src 'none'" }
    await route.fulfill({ response, headers })
  })
  await page.goto(`./#${race(3)}`)
  await openCheck(page)
  await start(page).click()
  await expect(dialog(page).getByText('all 1,225 states were explored')).toBeVisible()
  await expect(dialog(page).getByText('Explored on the page itself')).toBeVisible()
})

for (const theme of ['light', 'dark'] as const)
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const)
    test(`nothing overflows and axe finds nothing in an answer: ${theme} at ${width}×${height}`, async ({
      page,
    }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height })
      await page.goto('./#s/imx6-cannot-boot')
      await openCheck(page)
      await dialog(page).getByLabel('Go on to the last state').check()
      await start(page).click()
      await expect(dialog(page).getByText(/Broken in 17 steps/)).toBeVisible()
      await expect(
        dialog(page)
          .getByText(/others are as short/)
          .first(),
      ).toBeVisible()
      await dialog(page).getByText('Under every kernel').click()
      await expect(dialog(page).getByRole('button', { name: 'v6.12' })).toBeVisible()
      const overflow = await dialog(page).evaluate((at) => at.scrollWidth - at.clientWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
    })
