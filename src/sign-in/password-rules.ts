/**
 * What a new password must be: 8 to 128 characters, not one that everybody tries first, not the person's own name.
 * No rules about digits and signs (NIST SP 800-63B, 3.1.1.2).
 */
import { dictionary } from '@zxcvbn-ts/language-common'

const SHORTEST = 8
const LONGEST = 128

/** Lower case. Those that are too short anyway need not be remembered. */
const COMMON: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter(password => password.length >= SHORTEST),
)

const folded = (text: string) => text.normalize('NFKC').toLowerCase()

export interface Owner {
  readonly username?: string | undefined
  readonly email?: string | null | undefined
}

/** A sentence for the person who chose it, or undefined when the password is fine. Characters are code points, after NFC. */
export function passwordMistake(password: string, { username, email }: Owner = {}): string | undefined {
  const length = [...password.normalize('NFC')].length
  if (length === 0) return 'Choose a password.'
  if (!password.isWellFormed() || password.includes('\0')) return 'Use characters that can be typed.'
  if (length < SHORTEST) return `Use at least ${SHORTEST} characters.`
  if (length > LONGEST) return `Use at most ${LONGEST} characters.`
  const wanted = folded(password)
  if (COMMON.has(wanted) || new Set(wanted).size === 1)
    return 'This password is among the first that anyone would try. Choose another one.'
  const own = [username, email, email?.split('@')[0]].map(text => folded(text ?? ''))
  if (own.includes(wanted)) return 'Choose a password that is not your username or e-mail address.'
  return undefined
}
