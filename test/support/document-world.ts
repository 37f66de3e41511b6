// A server where applications on somebody's web server describe themselves, and an MCP resource open to them.
import { sql } from 'kysely'
import type { Page } from './agent.ts'
import { startApp, type TestApp } from './app.ts'
import { authorizationRequest, codeFlow, type Flow } from './authorization.ts'
import { DOCUMENT_CALLBACK, type DocumentHost, startDocumentHost } from './document-host.ts'
import { ordersFile } from './orders.ts'

export const NOTES = 'https://notes.example.com/mcp'
/** So that localhost may be asked. */
export const LOCAL = { OUTBOUND_ALLOW: '127.0.0.1,::1' }

type Params = Record<string, string | undefined>

export const clientOf = (clientId: string) => ({ client_id: clientId, redirect_uris: [DOCUMENT_CALLBACK] })

export interface DocumentWorld {
  readonly host: DocumentHost
  readonly app: TestApp
  /** What GET /authorize answers somebody who is not signed in. */
  ask(clientId: string, params?: Params): Promise<Page>
  /** The whole way, for the scope `read` of `NOTES`. */
  flow(clientId: string, params?: Params): Promise<Flow>
  /** The client's row. */
  row(clientId: string): Promise<Record<string, unknown> | undefined>
  /** As if its document had been read some days ago, and nobody had tried since. */
  age(clientId: string, days: number): Promise<void>
  close(): Promise<void>
}

export async function startDocumentWorld(): Promise<DocumentWorld> {
  const host = await startDocumentHost()
  const app = await startApp(
    { ...LOCAL, CLIENT_ID_METADATA_DOCUMENTS: `app.example.com,${host.host}` },
    {
      resources: [
        {
          identifier: NOTES,
          name: 'Notes',
          scopes: {
            read: { description: 'Read your notes', self_registered: true },
            write: { description: 'Write notes' },
          },
        },
      ],
      accounts: ordersFile.accounts.map(({ roles: _, ...account }) => account),
    },
  )
  return {
    host,
    app,
    ask: (clientId, params = {}) =>
      app
        .agent()
        .get(authorizationRequest(app.issuer, clientOf(clientId), { nonce: undefined, ...params }).url),
    flow: (clientId, params = {}) =>
      codeFlow(app.issuer, app.agent(), clientOf(clientId), {
        params: { scope: 'read', resource: NOTES, nonce: undefined, ...params },
      }),
    row: clientId =>
      app.db.selectFrom('client').selectAll().where('client_id', '=', clientId).executeTakeFirst(),
    async age(clientId, days) {
      const ago = sql<Date>`clock_timestamp() - make_interval(days => ${days})`
      await app.db
        .updateTable('client_metadata_document')
        .set({
          fetched_at: ago,
          tried_at: ago,
          fresh_until: sql<Date>`clock_timestamp() - interval '1 second'`,
          usable_until: sql<Date>`clock_timestamp() + make_interval(days => ${3 - days})`,
        })
        .where('client_id', '=', clientId)
        .execute()
    },
    async close() {
      await app.close()
      await host.close()
    },
  }
}
