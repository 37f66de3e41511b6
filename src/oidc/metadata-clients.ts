/**
 * Clients that nobody has registered: their `client_id` is the address of a document about them. Before the library sees
 * such a client, this makes the row that the rest of the server knows it by, and keeps it true to the document
 * (docs/decisions/0018). Not the library's own feature: grants, consents and tokens of ours hang on a client's row.
 *
 * - Only hosts of CLIENT_ID_METADATA_DOCUMENTS; through http/outbound.ts.
 * - One network brings so many that are new, as with registration (sign-in/throttle.ts).
 * - One reading at a time of each document; a document that could not be read is not asked for again for a while.
 * - A document that changes changes the row. One that is gone holds until it is too old, and is refused then.
 * - A row that somebody here has made or taken over is theirs; one that is shut stays shut.
 */
import type { Middleware } from 'koa'
import type { Provider } from 'oidc-provider'
import { findClient } from '../clients/client.ts'
import { documentHost, isDocumentAllowed } from '../clients/document-address.ts'
import {
  claimReading,
  type DocumentState,
  findDocumentState,
  keepDocument,
} from '../clients/metadata-document.ts'
import { upsertClient } from '../clients/upsert-client.ts'
import { transaction } from '../db/transaction.ts'
import { type Context, type Source, sourceOf } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { protocolBody } from '../http/protocol-body.ts'
import { findOpenScopes } from '../resources/scope.ts'
import { createThrottle } from '../sign-in/throttle.ts'
import { claimedClientId } from './claimed-client.ts'
import type { OidcDeps } from './deps.ts'
import { type ReadDocument, readDocument } from './metadata-document.ts'
import { refuseWhatIsNotOffered } from './mutual-tls-offer.ts'
import { refuseOwnAddresses } from './own-address.ts'
import { createRecentlyKnown } from './recently-known.ts'
import { checkWithLibrary, looksDifferent } from './registered-clients.ts'

const SENT_IN_A_BODY: ReadonlySet<string> = new Set([
  '/par',
  '/token',
  '/revoke',
  '/introspect',
  '/device_authorization',
])

/** Milliseconds. For so long nobody asks again for a document that could not be read, and was never read before. */
const REFUSE_FOR = 60_000
/** Within `REFUSE_FOR`, for documents of one host that were never read before: it is not ours to search. */
const MOST_FAILURES_OF_HOST = 20
/** Readings at the same time: who asks for many that do not answer must not fill the server with waiting. */
const MOST_READINGS = 8

export function createMetadataClients(deps: OidcDeps, provider: () => Provider): Middleware {
  const { config, db, keyring, audit, changeLog, clients, outbound, revocations, log } = deps
  const throttle = createThrottle(deps)
  const failed = createRecentlyKnown<Problem>()
  const failuresOf = createRecentlyKnown<{ count: number }>()
  const looking = new Map<string, Promise<void>>()
  let readings = 0

  const isAllowed = (clientId: string) => isDocumentAllowed(config.clientIdMetadataDocuments, clientId)

  /** @throws Problem 400 with what is wrong with the document, 503 when there are too many readings already */
  async function read(clientId: string, source: Source): Promise<void> {
    if (readings >= MOST_READINGS) throw tooMany(503)
    readings += 1
    try {
      const document = await readDocument(outbound, clientId, await findOpenScopes(db))
      refuseOwnAddresses(config.issuer, document.client)
      refuseWhatIsNotOffered(config, document.client)
      checkWithLibrary(provider(), document.client)
      await keep(document, source)
    } finally {
      readings -= 1
    }
  }

  /** What others have decided about the client stays. */
  async function keep({ client, freshFor }: ReadDocument, source: Source): Promise<void> {
    const { clientId } = client
    await transaction(db, async tx => {
      const before = await findClient(tx, clientId)
      if (before && before.registration !== 'metadata_document') return
      const { organizationId, ceiling, introspect, requireConsent } = before ?? client
      const isChanged = await upsertClient(tx, keyring, {
        ...client,
        organizationId,
        ceiling,
        introspect,
        requireConsent,
      })
      await keepDocument(tx, clientId, freshFor)
      if (before && looksDifferent(before, client))
        await tx.deleteFrom('consent').where('client_id', '=', clientId).execute()
      if (!isChanged) return
      await audit.record(tx, {
        type: before ? 'client_changed' : 'client_registered',
        outcome: 'success',
        actor: { type: 'system' },
        subject: { type: 'client', id: clientId },
        clientId,
        source,
        detail: {
          client_name: client.clientName,
          redirect_uris: client.redirectUris,
          by: 'metadata_document',
        },
      })
    })
    await changeLog.catchUp()
  }

  async function look(clientId: string, source: Source): Promise<void> {
    const state = await findDocumentState(db, clientId)
    if (state?.fresh) return
    if (state && !(await claimReading(db, clientId))) return orGone(state)
    if (!state) {
      checkFirst(clientId)
      // Each may be a request to somebody's server, and a row of ours.
      await throttle.countRegistration(source.address)
    }
    try {
      await read(clientId, source)
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      log.info({ client_id: clientId, reason: error.message }, 'a metadata document cannot be used')
      if (state) return orGone(state, error)
      noteFailure(clientId, error)
      throw error
    }
  }

  /** @throws Problem what it was refused with a moment ago, 429 when too many of its host could not be read */
  function checkFirst(clientId: string): void {
    const before = failed.find(clientId)
    if (before) throw before
    if ((failuresOf.find(hostOf(clientId))?.count ?? 0) >= MOST_FAILURES_OF_HOST) throw tooMany(429)
  }

  function noteFailure(clientId: string, error: Problem): void {
    failed.keep(clientId, error, REFUSE_FOR)
    const host = hostOf(clientId)
    const failures = failuresOf.find(host)
    if (failures) failures.count += 1
    else failuresOf.keep(host, { count: 1 }, REFUSE_FOR)
  }

  function orGone({ usable }: DocumentState, error?: Problem): void {
    if (!usable) throw error ?? new Problem(400, 'invalid_client_metadata', GONE)
  }

  /** @throws Problem 400 for a client that cannot be let in, 429, 503 */
  async function know(clientId: string, source: Source): Promise<void> {
    const client = await clients.find(clientId)
    if (client && (client.registration !== 'metadata_document' || client.disabled)) return
    if (!isAllowed(clientId)) {
      if (client)
        throw new Problem(400, 'invalid_client', 'client is invalid', 'its host is not allowed (now)')
      return
    }
    if (await revocations.isRevoked([{ kind: 'client', id: clientId }]))
      throw new Problem(400, 'invalid_client', 'client is invalid', 'it was deleted here')
    const under = looking.get(clientId) ?? look(clientId, source).finally(() => looking.delete(clientId))
    looking.set(clientId, under)
    await under
  }

  return async (ctx, next) => {
    const clientId =
      ctx.path === '/authorize' && ctx.method !== 'POST'
        ? [ctx.query.client_id].flat()[0]
        : ctx.method === 'POST' && SENT_IN_A_BODY.has(ctx.path)
          ? claimedClientId(ctx.req.headers, protocolBody(ctx))
          : undefined
    if (clientId?.startsWith('https://')) {
      try {
        await know(clientId, sourceOf(ctx as unknown as Context))
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 400) throw error
        // RFC 6749, section 5.2.
        const status = ctx.path === '/authorize' ? 400 : 401
        throw new Problem(status, 'invalid_client', error.message, error.detail)
      }
    }
    await next()
  }
}

const hostOf = (clientId: string) => documentHost(clientId) ?? ''

const tooMany = (status: 429 | 503) =>
  new Problem(status, 'temporarily_unavailable', 'Too many applications are being looked up.', undefined, {
    headers: { 'Retry-After': status === 429 ? '60' : '5' },
  })

const GONE = 'The document at this client_id could not be read for too long.'
