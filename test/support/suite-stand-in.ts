// In the place of a conformance suite's own server: what comes back to it, by address or by form, and what is told to it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SuiteStandIn {
  readonly origin: string
  /** What came back to its callback, in order. */
  readonly callbacks: URLSearchParams[]
  /** The logout tokens it was sent. */
  readonly logoutTokens: string[]
  close(): Promise<void>
}

export async function startSuiteStandIn(): Promise<SuiteStandIn> {
  const callbacks: URLSearchParams[] = []
  const logoutTokens: string[] = []
  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://suite.test')
    const sent = req.method === 'POST' ? new URLSearchParams(await text(req)) : searchParams
    if (pathname.endsWith('/callback')) callbacks.push(sent)
    if (pathname.endsWith('/backchannel_logout')) logoutTokens.push(sent.get('logout_token') ?? '')
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end(
      '<!doctype html><title>Suite</title><link rel="icon" href="data:,"><p id="submission_complete">Done',
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    callbacks,
    logoutTokens,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
