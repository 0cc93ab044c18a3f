import { readFileSync } from 'node:fs'
import { expect, type Page, test } from '@playwright/test'
import { act, property, thread } from './board'

const fixture = (name: string): string =>
  readFileSync(new URL(`../src/formats/fixtures/${name}`, import.meta.url), 'utf8')

test('the default scenario opens with nothing broken, and names the broken property at its end', async ({
  page,
}) => {
  await page.goto('./')
  await expect(
    page.getByRole('heading', { name: 'The driver is gone; is the mapping?' }),
  ).toBeVisible()
  await expect(page.getByText('recorded on 6.12.117')).toBeVisible()
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('holds')
  await page.keyboard.press('End')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('broken at step')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText(
    'which has no struct page any more',
  )
  await page.keyboard.press('Home')
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('holds')
})

test('a pasted machine is mounted, mapped, pinned, truncated and unbound by clicks', async ({
  page,
}) => {
  await page.goto('./')
  await page.getByRole('button', { name: 'Import' }).click()
  await page.getByLabel('Text to import').fill(fixture('qemu-q35-pmem.iomem.txt'))
  await page.getByRole('button', { name: 'Import the text' }).click()
  await expect(page.getByText('The machine is open')).toBeVisible()
  await page.getByLabel('Text to import').fill(fixture('qemu-q35-pmem.ndctl-list.json'))
  await page.getByRole('button', { name: 'Import the text' }).click()
  await expect(page.getByText('The machine is open')).toBeVisible()
  await page.getByRole('button', { name: 'Close' }).click()

  await act(page, /^namespace0\.0; nd_pmem/, /^Make a file system/)
  await act(page, /^xfs on pmem0/, /^Make a file of 8 MiB/)
  await act(page, /^\/mnt\/b; inode/, /^Map this file/)
  await act(page, /^A: 8 MiB/, /^Write here/)
  await act(page, /^A: 8 MiB/, /^Pin for DMA/)
  await expect(page.getByRole('button', { name: /^FOLL_PIN; 1 page/ })).toBeVisible()
  await expect(page.getByRole('button', { name: /_refcount (1 → )?1025/ }).first()).toBeVisible()

  // By its title: in the middle of the card is a slot of i_pages, which has a menu of its own.
  await page.getByRole('button', { name: /^\/mnt\/b; inode/ }).click({ position: { x: 30, y: 14 } })
  await page.getByRole('button', { name: 'Truncate to 0, step by step' }).click()
  const shell = thread(page, 'root shell')
  for (let step = 0; step < 20 && !(await shell.textContent())?.includes('waits for page'); step++)
    await shell.getByRole('button', { name: 'Step root shell' }).click()
  await expect(shell).toContainText(
    'waits for page 0x60400 to be idle: refcount 1025 → 1; held by app (FOLL_PIN)',
  )
  await expect(shell.getByRole('button', { name: 'Run root shell' })).toBeDisabled()

  await act(page, /^FOLL_PIN; 1 page/, /^Unpin/)
  await shell.getByRole('button', { name: 'Run root shell' }).click()
  await expect(shell).toContainText('in user space')
  await expect(page.getByRole('button', { name: /^\/mnt\/b; inode.*size 0 B/ })).toBeVisible()

  await act(page, /^xfs on pmem0/, /^Make a file of 8 MiB/)
  await act(page, /^\/mnt\/c; inode/, /^Map this file/)
  await act(page, /^B: 8 MiB/, /^Write here/)
  await act(page, /^namespace0\.0; nd_pmem/, /^Unbind the driver/)
  await expect(property(page, 'noPteToDeadPgmap')).toContainText('broken at step')
  await expect(page.getByText('struct page: gone').first()).toBeVisible()
})

test('what cannot be done now is greyed, with its reason', async ({ page }) => {
  await page.goto('./#s/the-driver-is-gone@81')
  await page.getByRole('button', { name: /^namespace0\.0; no driver/ }).click()
  const menu = page.getByRole('dialog', { name: 'What can be done here' })
  await expect(menu.getByRole('button', { name: /^Unbind the driver/ })).toHaveAttribute(
    'aria-disabled',
    'true',
  )
  await expect(menu).toContainText('No driver is bound.')
  await page.keyboard.press('Escape')
  await expect(menu).toBeHidden()
})

test('a choice in the past makes a branch, and the story stays', async ({ page }) => {
  await page.goto('./#s/the-driver-is-gone@46')
  await act(page, /^B: 16 KiB/, /^Pin for DMA/)
  await expect(page.getByRole('combobox', { name: 'branch' })).toContainText(
    'branch 1, from step 46',
  )
  await page.getByRole('combobox', { name: 'branch' }).selectOption({ label: 'main' })
  await page.keyboard.press('End')
  await expect(page.getByText(/step 129 of 129/)).toBeVisible()
})

test('the link in the address restores the moment, schedule and policies of a session', async ({
  page,
  context,
}) => {
  await page.goto('./')
  await page.getByRole('combobox', { name: /^Which file system/ }).selectOption('ext4')
  await expect(page.getByText('not recorded with these policies')).toBeVisible()
  await act(page, /^A: 8 MiB/, /^Write here/)
  await act(page, /^A: 8 MiB/, /^Pin for DMA/)
  await expect(page).toHaveURL(/#2[\w-]{20,}/)
  await page.waitForTimeout(400)
  const other = await context.newPage()
  await other.goto(page.url())
  await expect(other.getByRole('button', { name: /^FOLL_PIN; 1 page/ })).toBeVisible()
  await expect(other.getByRole('combobox', { name: /^Which file system/ })).toHaveValue('ext4')
  const position = (at: Page) => at.locator('.position > span').first()
  await expect(position(other)).toHaveText((await position(page).textContent()) ?? '')
})

for (const [what, fragment, sentence] of [
  ['damaged', '1AAAA', 'The link is damaged'],
  ['newer', '7abcdef', 'newer version'],
  ['unknown', 's/no-such-thing', 'which this version does not have'],
] as const)
  test(`a ${what} link is answered by a sentence, and the page is there`, async ({ page }) => {
    await page.goto(`./#${fragment}`)
    await expect(page.getByRole('status')).toContainText(sentence)
    await expect(page.getByRole('heading', { name: 'Pinhole' })).toBeVisible()
  })

test('where the other scenarios do not arrive, the first is there, and a link to one says so', async ({
  page,
}) => {
  await page.route('**/scenarios-*.js', (route) => route.abort())
  await page.goto('./#s/rdma-and-fork')
  await expect(page.getByRole('status')).toContainText('could not be loaded: open the link again')
  await expect(page.getByText(/step 0 of 129/)).toBeVisible()
  await page.unroute('**/scenarios-*.js')
  await page.evaluate(() => {
    location.hash = '#s/rdma-and-fork@1'
  })
  await expect(page.getByRole('combobox', { name: 'Scenario' })).toHaveValue('rdma-and-fork')
})

test('bad input is answered by one sentence, and nothing is lost', async ({ page }) => {
  await page.goto('./#s/the-driver-is-gone@20')
  await page.getByRole('button', { name: 'Import' }).click()
  const text = page.getByLabel('Text to import')
  for (const [bad, sentence] of [
    ['3fffffff-00100000 : x', 'end below start'],
    ['<img src=x onerror=alert(1)>', 'Nothing here is of a known kind'],
    ['{"regions": [', 'Line 1'],
    ['00000000-00000000 : a\n00000000-00000000 : b', 'root'],
  ] as const) {
    await text.fill(bad)
    await page.getByRole('button', { name: 'Import the text' }).click()
    await expect(page.locator('.findings')).toContainText(sentence)
  }
  await page.keyboard.press('Escape')
  await expect(page.getByText(/step 20 of 129/)).toBeVisible()
})

test('everything works by keyboard: step, play to the end, pick, begin', async ({ page }) => {
  await page.goto('./')
  await expect(page.getByText(/step 0 of 129/)).toBeVisible()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await expect(page.getByText(/step 2 of 129/)).toBeVisible()
  await page.keyboard.press('ArrowLeft')
  await expect(page.getByText(/step 1 of 129/)).toBeVisible()
  await page.keyboard.press('Home')
  await page.getByRole('button', { name: /^B: 16 KiB/ }).focus()
  await page.keyboard.press('Enter')
  await expect(
    page.getByRole('dialog', { name: 'What can be done here' }).getByRole('button').first(),
  ).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: /PTE 1; leaf, 4 KiB/ })).toBeVisible()
})

test('a machine can be dropped on the page, or taken from the copies that come with it', async ({
  page,
}) => {
  await page.goto('./')
  await expect(page.getByText(/step 0 of 129/)).toBeVisible()
  const transfer = await page.evaluateHandle((text) => {
    const data = new DataTransfer()
    data.items.add(new File([text], 'iomem.txt', { type: 'text/plain' }))
    return data
  }, fixture('qemu-q35-pmem.iomem.txt'))
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer })
  await expect(page.getByRole('combobox', { name: 'Scenario' })).toHaveValue('machine')
  await page.getByRole('button', { name: 'Import' }).click()
  await page.getByRole('button', { name: /QEMU q35 with a CXL window/ }).click()
  await expect(page.locator('.findings')).toContainText(
    'No pmem namespace is bound on this machine',
  )
  await page.getByRole('button', { name: 'Close' }).click()
  await expect(page.getByRole('button', { name: /^CXL Window 0/ })).toBeVisible()
})

test('a listing of 100,000 lines is read, drawn, and can be travelled', async ({ page }) => {
  const lines = Array.from({ length: 100_000 }, (_, i) => {
    const start = 0x100000000 + i * 0x10000
    return `${start.toString(16)}-${(start + 0xffff).toString(16)} : PCI Bus 0000:00`
  })
  await page.goto('./')
  await page.getByRole('button', { name: 'Import' }).click()
  await page.getByLabel('Choose files').setInputFiles({
    name: 'iomem.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from(lines.join('\n')),
  })
  await expect(page.getByText('The machine is open')).toBeVisible({ timeout: 20_000 })
  await page.getByRole('button', { name: 'Close' }).click()
  await expect(page.getByText(/more$/).first()).toBeVisible()
  expect(await page.locator('.board g').count()).toBeLessThan(400)
})

test('somebody who has not read the mail can play scenario B, and see which kernel breaks it', async ({
  page,
}) => {
  await page.goto('./#s/rdma-and-fork')
  await expect(
    page.getByText('Do the device and the process still mean the same page?'),
  ).toBeVisible()
  await page.getByRole('combobox', { name: /kernel/i }).selectOption('v5.1')
  const onward = page.getByRole('button', { name: /^(Next|Play)/ })
  while ((await onward.count()) > 0) await onward.first().click()
  await expect(page.getByText('Both promises are broken at once.')).toBeVisible()
  for (const name of ['gupCoherency', 'cowIsolation', 'noLostDma'])
    await expect(property(page, name)).toContainText('broken at step')
  // The device and the process are on different pages, and each shows its own byte.
  await expect(page.getByRole('button', { name: /^mlx5_0.*0x12345/ })).toBeVisible()
  await expect(page.getByRole('button', { name: /PTE 0 of app.*0x12346/ })).toBeVisible()
  await expect(page.getByRole('button', { name: /PTE 0 of child.*0x12345/ })).toBeVisible()

  await page.getByRole('combobox', { name: /kernel/i }).selectOption('v6.12')
  await page.keyboard.press('End')
  await expect(page.getByText('the data arrived')).toBeVisible()
  for (const name of ['gupCoherency', 'cowIsolation', 'noLostDma'])
    await expect(property(page, name)).not.toContainText('broken')
})
