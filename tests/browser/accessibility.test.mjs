// axe-core on every screen, in light and dark, on a desk and on a phone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether } from './lib/server.mjs'
import { assertAccessible, assertFits, launch, visit } from './lib/visit.mjs'

let browser, untether, app
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  app = await App.register(untether, `${untether.public}/mcp`, 'Cursor')
  const context = await browser.newContext()
  await context.addCookies([{ name: 'person', value: 'owner', url: untether.public }])
  await app.connect(await context.newPage())
  await context.close()
})
after(async () => {
  await browser?.close()
  app?.close()
  await untether?.close()
})

const firstRevoke = (page) =>
  page.getByRole('row').filter({ hasText: 'Cursor#' }).first().getByRole('link', { name: /^Revoke/ })

/** What to look at, and how a person gets there. */
const SCREENS = {
  'the empty list': { open: (page) => page.goto('/connections'), person: 'ben' },
  'the list': { open: (page) => page.goto('/connections?view=list') },
  'a list that matches nothing': { open: (page) => page.goto('/connections?status=expired') },
  'the dialog before a revoke': {
    async open(page) {
      await page.goto('/connections?view=list')
      await firstRevoke(page).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  'the page before a revoke': {
    async open(page) {
      await page.goto('/connections?view=list')
      await page.goto(await firstRevoke(page).getAttribute('href'))
    },
  },
  'the projects': { open: (page) => page.goto('/projects') },
  'a project': { open: (page) => page.goto('/projects/untether') },
  'the form of a project': { open: (page) => page.goto('/projects/new') },
  'the consent page': { open: (page) => page.goto(app.authorizeUrl('look')) },
  'the error page of consent': { open: (page) => page.goto('/oauth/authorize?client_id=unknown'), status: 400 },
  'the error page of the list': { open: (page) => page.goto('/connections?status=mislaid'), status: 400 },
  'the page of what is not there': { open: (page) => page.goto('/connections/not-there'), status: 404 },
}

for (const [what, { open, person = 'owner', status }] of Object.entries(SCREENS)) {
  test(`axe-core finds nothing on ${what}, in any light, and it fits a phone`, async (t) => {
    const expected = status ? new RegExp(`status of ${status}`) : undefined
    const page = await visit(t, browser, untether, person, { expected })
    const answer = await open(page)
    if (status) assert.equal(answer.status(), status)
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 })
      await assertFits(page, `${what} at ${width} px`)
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        await assertAccessible(page, `${what} at ${width} px, ${colorScheme}`)
      }
    }
  })
}
