/**
 * API keys and personal tokens at the provider's own doors: /introspect and /revoke (RFC 7662, RFC 7009). Who the client
 * is, the provider has found out; here is what it may learn and do.
 */
import { createHash } from 'node:crypto'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../http/problem.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { hasDemands } from '../resources/resource-layers.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { parseMinted } from '../secrets/minted-format.ts'
import type { Identity, Wanted } from './kind.ts'
import { idsOfImported } from './minted-secret.ts'
import { findMintedToken } from './minted-token.ts'
import type { VerifyMinted } from './verify-minted.ts'

export interface Introspected {
  readonly identity: Identity
  /** What the client that asks may see of it: resource → scopes it may use there now. Never empty. */
  readonly access: ReadonlyMap<string, readonly string[]>
}

export interface MintedIntrospection {
  /**
   * The client whose key it is sees all of it; another client what is for the resources it is the server of, and its
   * question counts as a use. Undefined: not good, or nothing for this client to see.
   */
  introspect(token: string, clientId: string): Promise<Introspected | undefined>
  /**
   * The id of the token that this is the secret of, whatever it may do now: whoever holds the secret may end it. Undefined
   * for a secret that has been replaced for good.
   */
  findHeld(token: string): Promise<string | undefined>
}

export interface MintedIntrospectionDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly clients: ClientDirectory
  readonly resources: Pick<ResourceDirectory, 'find'>
  readonly verifyMinted: VerifyMinted
}

const INTROSPECTION = { introspection: true } as const
const WITHOUT_TRACE: Pick<Wanted, 'explain'> = { explain: () => undefined }

export function createMintedIntrospection(deps: MintedIntrospectionDeps): MintedIntrospection {
  const { db, keyring, clients, resources, verifyMinted } = deps

  async function verified(token: string, wanted: Wanted): Promise<Identity | undefined> {
    try {
      return await verifyMinted(token, wanted, INTROSPECTION)
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return undefined
      throw error
    }
  }

  return {
    async introspect(token, clientId) {
      const identity = await verified(token, WITHOUT_TRACE)
      if (!identity) {
        // Once more, to be counted: whoever asks, a retired secret that turns up is reported.
        await verified(token, {})
        return undefined
      }
      const all = identity.access ?? new Map<string, readonly string[]>()
      const isOwn = identity.subject.type === 'client' && identity.subject.id === clientId
      if (isOwn) return all.size > 0 ? { identity, access: all } : undefined

      const served = (await clients.find(clientId))?.introspect ?? []
      const access = new Map<string, readonly string[]>()
      for (const resource of served.filter(one => all.has(one))) {
        // Only the whole request shows whether its layers are there: POST /v1/verify.
        const found = await resources.find(resource)
        if (!found || hasDemands(found)) continue
        // One use, whatever the number of resources.
        const trace = access.size === 0 ? {} : WITHOUT_TRACE
        const there = await verified(token, { resource, ...trace })
        if (there) access.set(resource, there.scopes)
      }
      return access.size > 0 ? { identity, access } : undefined
    },

    async findHeld(token) {
      let isHeld = false
      await verified(token, {
        explain: ({ name, passed }) => {
          if (name === 'secret') isHeld = passed
        },
      })
      if (!isHeld) return undefined
      const parts = parseMinted(token)
      if (typeof parts === 'object') return parts.id
      const sha256 = createHash('sha256').update(token).digest()
      for (const id of idsOfImported(keyring, sha256)) if (await findMintedToken(db, id)) return id
      return undefined
    },
  }
}
