/** The keys of a resource, each by itself. Without defaults: those are the caller's. */
import { z } from 'zod'
import { shownText } from '../accounts/shown-text.ts'
import { signingAlg } from '../clients/client-schema.ts'
import { textThat } from '../http/text-schema.ts'
import { resourceIdentifierMistake, scopeNameMistake } from './scope.ts'

/** Seconds. */
export const MAX_ACCESS_TOKEN_LIFETIME = 30 * 86_400

export const resourceKeys = {
  identifier: textThat(resourceIdentifierMistake),
  name: shownText,
  token_format: z.enum(['jwt', 'opaque']),
  token_signing_alg: signingAlg,
  scopes: z.record(
    textThat(scopeNameMistake),
    z.strictObject({
      description: shownText,
      restricted: z.boolean().default(false),
      self_registered: z.boolean().default(false),
    }),
  ),
}
