/** What people type and others read on pages, as schemas. Rooms speak to whoever fills in a form; here a path begins the sentence. */
import { matching, textThat } from '../http/text-schema.ts'
import { emailMistake, nameMistake, normalizeEmail, normalizeName } from './account-fields.ts'

export const continued = (sentence: string | undefined) => sentence && `is not acceptable: ${sentence}`

/** A name or a description. */
export const shownText = textThat(text =>
  nameMistake(normalizeName(text)) === undefined
    ? undefined
    : 'must be 1 to 200 characters that can be printed',
).transform(normalizeName)

export const emailText = textThat(text => continued(emailMistake(normalizeEmail(text)))).transform(
  normalizeEmail,
)

/** What others refer to an organization or a role by. */
export const shortName = (what: string) =>
  matching(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/,
    `must be ${what}: 1 to 64 letters, digits, dots, dashes, underscores or colons, beginning with a letter or digit`,
  )
