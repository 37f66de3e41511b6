/** Client credentials on the wire: the shape of an API key without a secret of its own, and what their kind shows. */
import { z } from 'zod'
import type { ClientCredential } from './client-credential.ts'
import { fieldsOf, mintedKeys, mintedObjectKeys, restrictedJson } from './minted-json.ts'

const { cnf: _bound, ...keys } = mintedKeys
const { cnf: _binding, last4: _last4, secret: _secret, ...objectKeys } = mintedObjectKeys

/** What all of them are made from. The rules beyond types are minted-input.ts's. */
export const clientCredentialKeys = { ...keys, client_id: z.string() }

/** What all of them are, as answered. */
export const clientCredentialObjectKeys = { ...objectKeys, client_id: z.string() }

const input = z.strictObject(clientCredentialKeys)
const output = z.strictObject(clientCredentialObjectKeys)

export function clientCredentialFieldsOf({ client_id: clientId, ...body }: z.output<typeof input>) {
  return { owner: { type: 'client', id: clientId } as const, ...fieldsOf(body) }
}

export function clientCredentialJson(credential: ClientCredential): z.input<typeof output> {
  return { ...restrictedJson(credential), client_id: credential.owner.id }
}
