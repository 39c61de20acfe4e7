// The whole task on a slow link: open, search, revoke, see it. Counted is what the person waits
// for: the ways there and back, one after the other, and the bytes, both as the browser made
// them on such a link. What this machine itself takes meanwhile is left out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { App } from './lib/app.mjs'
import { startUntether, until } from './lib/server.mjs'
import { launch, visit } from './lib/visit.mjs'

const LIMIT_MS = 3000
const LATENCY_MS = 400
const BYTES_PER_MS = 400 / 8
const LINK = {
  offline: false,
  latency: LATENCY_MS,
  downloadThroughput: BYTES_PER_MS * 1000,
  uploadThroughput: BYTES_PER_MS * 1000,
}

let browser, untether
const apps = []
before(async () => {
  ;[browser, untether] = await Promise.all([launch(), startUntether()])
  for (const name of ['Cursor', 'Claude Code', 'VS Code']) {
    const app = await App.register(untether, `${untether.public}/mcp`, name)
    apps.push(app)
    for (const person of ['owner', 'ana', 'ben']) await app.connectMany(person, 6)
  }
})
after(async () => {
  await browser?.close()
  for (const app of apps) app.close()
  await untether?.close()
})

/** What a page asks for, as it asks, but for scripts and icons: nobody waits for those. */
async function traffic(page) {
  const requests = new Map()
  const devtools = await page.context().newCDPSession(page)
  devtools.on('Network.requestWillBeSent', ({ requestId, request, type, timestamp, redirectResponse }) => {
    const known = requests.get(requestId)
    if (known) {
      known.trips += 1
      known.bytes += redirectResponse.encodedDataLength
    } else if (['Document', 'Stylesheet', 'Fetch', 'XHR'].includes(type)) {
      requests.set(requestId, { url: request.url, sent: timestamp, trips: 1, bytes: 0 })
    }
  })
  devtools.on('Network.requestServedFromCache', ({ requestId }) => requests.delete(requestId))
  devtools.on('Network.responseReceived', ({ requestId, response }) => {
    if (response.fromDiskCache) requests.delete(requestId)
  })
  devtools.on('Network.loadingFinished', ({ requestId, timestamp, encodedDataLength }) => {
    const request = requests.get(requestId)
    if (request) Object.assign(request, { bytes: request.bytes + encodedDataLength, done: timestamp })
  })
  await devtools.send('Network.enable')
  await devtools.send('Network.emulateNetworkConditions', LINK)
  return requests
}

/** How long requests take on the link: each begins when the one before is done, or has begun to come. */
function waiting(requests) {
  let [before, last] = [null, 0]
  for (const request of requests) {
    const begun = before && (request.sent < before.done ? before.head : before.end)
    request.head = (begun ?? 0) + request.trips * LATENCY_MS
    request.end = request.head + request.bytes / BYTES_PER_MS
    last = Math.max(last, request.end)
    before = request
  }
  return Math.round(last)
}

for (const js of [true, false]) {
  test(`at 400 kbit/s and 400 ms a revoke takes less than 3 s of waiting, ${js ? 'with' : 'without'} scripts`, async (t) => {
    const page = await visit(t, browser, untether, 'owner', { js })
    const requests = await traffic(page)
    const [waits, urls] = [{}, []]
    const step = async (what, act, result) => {
      requests.clear()
      await act()
      await result.waitFor()
      const all = () => [...requests.values()]
      await until('everything has come', () => requests.size > 0 && all().every(({ done }) => done))
      waits[what] = waiting(all())
      urls.push(...all().map(({ url }) => url))
    }
    const search = page.getByRole('searchbox', { name: 'Search' })
    await step('open', () => page.goto('/connections?view=list'), search)
    await step('search', async () => {
      await search.fill('cursor')
      await search.press('Enter')
    }, page.getByRole('link', { name: 'Remove Search: cursor' }))
    const row = page.getByRole('row').filter({ hasText: 'Cursor#' }).first()
    const name = /Cursor#[a-z-]+/.exec(await row.textContent())[0]
    await step('ask', () => row.getByRole('link', { name: /^Revoke/ }).click({ noWaitAfter: true }),
      page.getByRole('heading', { name: 'Revoke 1 connection?' }))
    await step('revoke', () => page.getByRole('button', { name: 'Revoke access' }).click({ noWaitAfter: true }),
      page.getByRole('status').filter({ hasText: `Revoked ${name}` }))
    await page.getByRole('row').filter({ hasText: name }).waitFor({ state: 'detached' })
    const sum = Object.values(waits).reduce((one, other) => one + other)
    t.diagnostic(`${sum} ms: ${JSON.stringify(waits)}`)
    assert.ok(sum < LIMIT_MS, `${sum} ms of waiting: ${JSON.stringify(waits)}`)
    assert.equal(urls.filter((url) => /[?&]q=cursor$/.test(url)).length, 1, 'Enter searches once')
  })
}
