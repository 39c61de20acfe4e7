// The consent page, clicked in a real browser, with an app waiting at its redirect URI.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { App } from './lib/app.mjs'
import { PEOPLE, startUntether } from './lib/server.mjs'
import { launch, visit } from './lib/visit.mjs'

let browser, untether, app
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  app = await App.register(untether, `${untether.public}/mcp`)
})
after(async () => {
  await browser?.close()
  app?.close()
  await untether?.close()
})

const rows = (page) => page.getByRole('row').filter({ hasText: 'Console test#' })
const issuer = () => `${untether.public}/oauth`

for (const js of [true, false]) {
  describe(js ? 'with scripts' : 'without scripts', () => {
    test('Allow brings the browser back with a code that works', async (t) => {
      const page = await visit(t, browser, untether, 'ana', { js })
      await page.goto(app.authorizeUrl(`allow-${js}`))
      for (const said of ['Console test', 'ana@acme.example', new URL(app.redirectUri).host]) {
        assert.ok((await page.getByRole('main').textContent()).includes(said), `the page does not say ${said}`)
      }
      await page.getByRole('button', { name: 'Allow' }).click()
      const { code, iss, state, ...rest } = await app.landing(`allow-${js}`)
      assert.deepEqual({ iss, state, rest }, { iss: issuer(), state: `allow-${js}`, rest: {} })
      const { status, body } = await app.exchange(code)
      assert.equal(status, 200, JSON.stringify(body))
    })

    test('Deny brings the browser back with access_denied and connects nothing', async (t) => {
      const page = await visit(t, browser, untether, 'ben', { js })
      await page.goto(app.authorizeUrl(`deny-${js}`))
      await page.getByRole('button', { name: 'Deny' }).click()
      const { error, iss, code } = await app.landing(`deny-${js}`)
      assert.deepEqual({ error, iss, code }, { error: 'access_denied', iss: issuer(), code: undefined })
      await page.goto('/connections?view=list')
      assert.equal(await rows(page).count(), 0)
    })
  })
}

test('a double click on Allow makes one connection', async (t) => {
  const page = await visit(t, browser, untether, 'owner')
  await page.goto(app.authorizeUrl('double'))
  await page.getByRole('button', { name: 'Allow' }).dblclick({ noWaitAfter: true })
  const { code } = await app.landing('double')
  await page.waitForURL(`${app.redirectUri}**`)
  assert.equal((await app.exchange(code)).status, 200)
  await page.goto('/connections?view=list')
  assert.equal(await rows(page).filter({ hasText: PEOPLE.owner.email }).count(), 1)
})

test('the consent page is shown again to the same person and app', async (t) => {
  const page = await visit(t, browser, untether, 'ana')
  await app.connect(page)
  await page.goto(app.authorizeUrl('again'))
  await page.getByRole('button', { name: 'Allow' }).waitFor()
})

test('the keyboard alone reaches Deny and Allow, and Enter presses them', async (t) => {
  const page = await visit(t, browser, untether, 'ben')
  await page.goto(app.authorizeUrl('keyboard'))
  for (let presses = 0; ; presses += 1) {
    assert.ok(presses < 30, 'thirty presses of Tab do not reach Allow')
    await page.keyboard.press('Tab')
    if (await page.getByRole('button', { name: 'Allow' }).evaluate((button) => button === document.activeElement)) break
  }
  await page.keyboard.press('Enter')
  assert.ok((await app.landing('keyboard')).code)
})

test('a wrong redirect URI gets a page that says what to do, and no redirect', async (t) => {
  const page = await visit(t, browser, untether, 'ana', { expected: /status of 400/ })
  const address = app.authorizeUrl('wrong').replace('callback', 'elsewhere')
  const answer = await page.goto(address)
  assert.equal(answer.status(), 400)
  assert.equal(page.url(), address)
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Allow' }).count(), 0)
})

test('the consent page cannot be framed', async (t) => {
  const page = await visit(t, browser, untether, 'ana', { expected: /frame-ancestors|X-Frame-Options/i })
  await page.goto(app.redirectUri)
  await page.evaluate((address) => {
    const frame = document.createElement('iframe')
    frame.src = address
    document.body.append(frame)
    return new Promise((loaded) => frame.addEventListener('load', loaded))
  }, app.authorizeUrl('framed'))
  const frame = page.frames().find((found) => found !== page.mainFrame())
  assert.equal(await frame.getByRole('button', { name: 'Allow' }).count(), 0)
  assert.match(frame.url(), /^chrome-error:/)
})
