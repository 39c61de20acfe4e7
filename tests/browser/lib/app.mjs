// An app that registered itself: builds authorization requests, waits on a loopback listener for
// the browser to come back, and exchanges the code.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { until } from './server.mjs'

export class App {
  /** @param untether what startUntether returned @param resource the MCP server to connect to */
  static async register(untether, resource, name = 'Console test') {
    const app = new App()
    app.untether = untether
    app.resource = resource
    app.landings = []
    app.listener = http.createServer((request, response) => app.#land(request, response)).listen(0, '127.0.0.1')
    await once(app.listener, 'listening')
    app.redirectUri = `http://127.0.0.1:${app.listener.address().port}/callback`
    const answer = await fetch(`${untether.public}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: name,
        redirect_uris: [app.redirectUri],
        token_endpoint_auth_method: 'none',
      }),
    })
    if (answer.status !== 201) throw new Error(`registration: ${answer.status} ${await answer.text()}`)
    app.clientId = (await answer.json()).client_id
    return app
  }

  #land(request, response) {
    const url = new URL(request.url, this.redirectUri)
    if (url.pathname === '/callback') this.landings.push(Object.fromEntries(url.searchParams))
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Back</title><p>Back in the app.')
  }

  authorizeUrl(state) {
    this.verifier = randomBytes(48).toString('base64url')
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      state,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: this.resource,
    })
    return `${this.untether.public}/oauth/authorize?${query}`
  }

  /** What came back to the redirect URI with this state. */
  landing(state) {
    return until(`the browser lands with ${state}`, () => this.landings.find((found) => found.state === state))
  }

  async exchange(code) {
    const answer = await fetch(`${this.untether.public}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: this.redirectUri,
        client_id: this.clientId,
        code_verifier: this.verifier,
      }),
    })
    return { status: answer.status, body: await answer.json() }
  }

  /** The whole flow in this page, which belongs to whoever is signed in there. */
  async connect(page) {
    const state = randomBytes(8).toString('hex')
    await page.goto(this.authorizeUrl(state))
    await page.getByRole('button', { name: 'Allow' }).click()
    const { code } = await this.landing(state)
    return this.#redeem(code)
  }

  /** The same `count` times for this person, by the form that a browser would send. */
  async connectMany(person, count) {
    const headers = { cookie: `person=${person}`, origin: this.untether.public }
    for (let n = 0; n < count; n += 1) {
      const page = await (await fetch(this.authorizeUrl('many'), { headers })).text()
      const fields = [...page.matchAll(/<input [^>]*name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value])
      const body = new URLSearchParams([...fields, ['decision', 'allow']])
      const address = `${this.untether.public}/oauth/authorize`
      const answer = await fetch(address, { method: 'POST', redirect: 'manual', headers, body })
      if (answer.status !== 303) throw new Error(`consent: ${answer.status} ${await answer.text()}`)
      await this.#redeem(new URL(answer.headers.get('location')).searchParams.get('code'))
    }
  }

  async #redeem(code) {
    const { status, body } = await this.exchange(code)
    if (status !== 200) throw new Error(`exchange: ${status} ${JSON.stringify(body)}`)
    return body
  }

  close() {
    this.listener.closeAllConnections()
    this.listener.close()
  }
}
