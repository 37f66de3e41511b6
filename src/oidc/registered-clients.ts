/**
 * Clients that register, change and delete themselves (RFC 7591, RFC 7592): each in one transaction with its secret, its
 * registration access token and its audit row. What a client may say is decided in registration-metadata.ts, who may
 * speak in registration.ts.
 */
import { sql } from 'kysely'
import type { Provider } from 'oidc-provider'
import type { AuditEvent } from '../audit/audit.ts'
import { type Client, findClient } from '../clients/client.ts'
import { createRegistration, findRegistration, type Registration } from '../clients/client-registration.ts'
import { createClientSecret, verifyClientSecret } from '../clients/client-secret.ts'
import { deleteClient, lockClient } from '../clients/client-state.ts'
import { checkQuota, enterGate } from '../clients/registration-quota.ts'
import { type DescribedClient, upsertClient } from '../clients/upsert-client.ts'
import { endClient } from '../credentials/end-client.ts'
import type { Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { transaction } from '../db/transaction.ts'
import type { Source } from '../http/context.ts'
import { invalidRequest, Problem } from '../http/problem.ts'
import type { Item } from '../http/unknown-value.ts'
import { findOpenScopes } from '../resources/scope.ts'
import { hashCandidates, hashSecret } from '../secrets/hash.ts'
import { sourceNetwork } from '../sign-in/source-network.ts'
import { createThrottle } from '../sign-in/throttle.ts'
import type { OidcDeps } from './deps.ts'
import { refuseWhatIsNotOffered } from './mutual-tls-offer.ts'
import { refuseOwnAddresses } from './own-address.ts'
import { type Allowance, metadataOf, readMetadata } from './registration-metadata.ts'
import { toMetadata, usesSecret } from './stores/client-store.ts'
import { mayHoldTokens } from './unused-clients.ts'

/** Who registers a client. */
export interface Registrar extends Omit<Allowance, 'openScopes'> {
  /** The initial access token's name; null: none was presented. */
  readonly tokenName: string | null
  readonly source: Source
}

/** Who presents a registration access token, for which client. */
export interface Holder {
  readonly clientId: string
  readonly token: string
  readonly source: Source
}

/** A client information response (RFC 7591, section 3.2.1). */
export type ClientInformation = Record<string, unknown>

export interface RegisteredClients {
  /** @throws Problem 400 */
  register(sent: Item, registrar: Registrar): Promise<ClientInformation>
  /** @throws Problem 401 */
  read(holder: Holder): Promise<ClientInformation>
  /** Everything that is registered is replaced by what was sent. @throws Problem 401, 400, 429 */
  replace(sent: Item, holder: Holder): Promise<ClientInformation>
  /** @throws Problem 401 */
  remove(holder: Holder): Promise<void>
}

/** A client may send them along as it got them, and may not set them (RFC 7592, section 2.2). */
const NOT_ITS_OWN = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
]

export function createRegisteredClients(deps: OidcDeps, provider: () => Provider): RegisteredClients {
  const { config, db, keyring, audit, changeLog } = deps
  const throttle = createThrottle(deps)

  /** All of it or nothing; afterwards this node has forgotten what was true before. */
  async function change<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await transaction(db, work)
    await changeLog.catchUp()
    return result
  }

  const information = (
    client: DescribedClient | Client,
    { registeredAt }: Registration,
    token: string,
    secret?: string,
  ): ClientInformation => ({
    ...metadataOf(client),
    client_id_issued_at: Math.floor(registeredAt.getTime() / 1000),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    registration_access_token: token,
    registration_client_uri: `${config.issuer}/register/${client.clientId}`,
  })

  const check = (client: DescribedClient) => {
    refuseOwnAddresses(config.issuer, client)
    refuseWhatIsNotOffered(config, client)
    checkWithLibrary(provider(), client)
  }

  /** The client and its registration. @throws Problem 401 also for one that has been taken over, or is shut */
  async function present(tx: Tx | typeof db, { clientId, token }: Holder) {
    const registration = await findRegistration(tx, keyring, clientId, token)
    const client = registration && (await findClient(tx, clientId))
    if (!registration || client?.registration !== 'dynamic' || client.disabled) throw unknownToken()
    return { registration, client }
  }

  /** Most of those who may not are refused here, before they hold anybody up. @throws Problem 429 */
  async function newcomerFrom({ address }: Source) {
    const network = JSON.stringify(['client registration', sourceNetwork(address)])
    const quota = {
      sourceHashes: hashCandidates(keyring, network),
      lifetime: config.neverUsedClientLifetime,
    }
    await checkQuota(db, quota)
    await throttle.countRegistration(address)
    return { ...quota, sourceHash: hashSecret(keyring, network).hash }
  }

  const record = (tx: Tx, clientId: string, { source }: Holder, event: Pick<AuditEvent, 'type' | 'detail'>) =>
    audit.record(tx, {
      outcome: 'success',
      actor: { type: 'client', id: clientId },
      credential: { kind: 'registration_access_token', id: clientId },
      subject: { type: 'client', id: clientId },
      clientId,
      source,
      ...event,
    })

  return {
    async register(sent, registrar) {
      const clientId = newId()
      const openScopes = await findOpenScopes(db)
      const client = readMetadata(sent, clientId, { ...registrar, openScopes })
      check(client)
      const newcomer = registrar.open ? await newcomerFrom(registrar.source) : undefined
      return change(async tx => {
        if (newcomer) {
          await enterGate(tx)
          await checkQuota(tx, newcomer)
        }
        await upsertClient(tx, keyring, client)
        const made = usesSecret(client) ? await createClientSecret(tx, keyring, { clientId }) : undefined
        const { token, ...registration } = await createRegistration(tx, keyring, {
          clientId,
          initialAccessToken: registrar.tokenName,
          sourceHash: newcomer?.sourceHash ?? null,
        })
        await audit.record(tx, {
          type: 'client_registered',
          outcome: 'success',
          actor: { type: 'anonymous' },
          ...(registrar.tokenName !== null && {
            credential: { kind: 'initial_access_token', id: registrar.tokenName },
          }),
          subject: { type: 'client', id: clientId },
          clientId,
          source: registrar.source,
          detail: { client_name: client.clientName, redirect_uris: client.redirectUris },
        })
        return information(client, registration, token, made?.secret)
      })
    },

    async read(holder) {
      const { registration, client } = await present(db, holder)
      return information(client, registration, holder.token)
    },

    async replace(sent, holder) {
      const { clientId, source } = holder
      // Each change is written down for good, and every node hears of it.
      if ((await present(db, holder)).registration.open) await throttle.countRegistration(source.address)
      return change(async tx => {
        await lockClient(tx, clientId)
        const { registration, client: before } = await present(tx, holder)
        refuseForeign(sent, before)
        const { ceiling } = before
        const openScopes = await findOpenScopes(tx)
        const said = readMetadata(sent, clientId, { ceiling, open: registration.open, openScopes })
        // What others have decided about it stays.
        const { organizationId, introspect, requireConsent } = before
        const client = { ...said, ceiling, organizationId, introspect, requireConsent }
        check(client)
        const isChanged = await upsertClient(tx, keyring, client)
        const made = usesSecret(client) && before.secrets.length === 0
        const secret = made ? (await createClientSecret(tx, keyring, { clientId })).secret : undefined
        if (looksDifferent(before, client))
          await tx.deleteFrom('consent').where('client_id', '=', clientId).execute()
        if (isChanged) await record(tx, clientId, holder, { type: 'client_changed' })
        return information(client, registration, holder.token, secret)
      })
    },

    async remove(holder) {
      const { clientId } = holder
      await change(async tx => {
        await lockClient(tx, clientId)
        const { client } = await present(tx, holder)
        const { rows } =
          await sql`SELECT FROM client c WHERE c.client_id = ${clientId} AND ${mayHoldTokens}`.execute(tx)
        if (rows.length > 0) await endClient(tx, deps, { source: holder.source }, clientId)
        await deleteClient(tx, clientId)
        await record(tx, clientId, holder, {
          type: 'client_deleted',
          detail: { client_name: client.clientName },
        })
      })
    },
  }

  /** @throws Problem 400 (RFC 7592, section 2.2) */
  function refuseForeign(sent: Item, client: Client): void {
    const hit = NOT_ITS_OWN.find(key => sent[key] !== undefined)
    if (hit !== undefined) throw invalidRequest(`The client cannot set ${hit}: leave it out.`)
    if (sent.client_id !== client.clientId)
      throw invalidRequest('client_id must be the one of this registration.')
    const { client_secret: secret } = sent
    if (secret === undefined || secret === null) return
    if (typeof secret !== 'string' || !verifyClientSecret(keyring, client, secret, new Date()))
      throw invalidRequest('client_secret is not the one of this client. Leave it out: it stays as it is.')
  }
}

/** What the library could not build would fail at every request of the client. @throws Problem 400 */
export function checkWithLibrary(provider: Provider, client: DescribedClient): void {
  const { Client: Model } = provider as unknown as { Client: new (metadata: unknown) => unknown }
  try {
    new Model(toMetadata(client))
  } catch (error) {
    const { error: code, error_description: description } = error as Record<string, unknown>
    if (code !== 'invalid_client_metadata' && code !== 'invalid_redirect_uri') throw error
    throw new Problem(400, code, String(description))
  }
}

/** Somebody who allowed it would not recognise it: then it is asked again. */
export function looksDifferent(before: Client, after: DescribedClient): boolean {
  const seen = ({ clientName, redirectUris }: Pick<Client, 'clientName' | 'redirectUris'>) =>
    JSON.stringify([clientName, [...redirectUris].sort()])
  return seen(before) !== seen(after)
}

/** RFC 7592, section 2: 401 for a client that is not there, as for a wrong token. */
const unknownToken = () => new Problem(401, 'invalid_token', 'The registration access token is not valid.')
