/**
 * What an account's username, name and e-mail address may look like, for every door they come in through: the sign-up
 * form, the first administrator's form, the declarative file. Each `…Mistake` returns a sentence for the person who
 * typed it, or undefined when the value is fine. Values go through their `normalize…` first.
 */

/**
 * C0, DEL, C1, line and paragraph separators, and what reverses text on a page or takes no room there: a name with it looks
 * like another one. Joiners and variation selectors are part of how words and pictures are written.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]/u

/** Something that is seen: no space, no joiner alone, not the pattern of Braille without a dot. */
const VISIBLE = /[^\p{Z}\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u

/** No '@': a username must never be taken for somebody's e-mail address. */
const USERNAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u
const USERNAME_LENGTH = 64
const NAME_LENGTH = 200
/** RFC 5321, 4.5.3.1: octets. */
const EMAIL_LENGTH = 254
const LOCAL_PART_LENGTH = 64

const LOCAL_PART = /^[^\s@<>()[\]\\,;:"]+$/u
const DOMAIN_LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?$/u

const characters = (text: string) => [...text].length
const octets = (text: string) => Buffer.byteLength(text)

/** Whether Postgres can hold the text: neither U+0000 nor half a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** What makes two usernames the same one: Unicode NFKC, lower case, no space around. Never fails. */
export function normalizeUsername(text: string): string {
  return text.trim().normalize('NFKC').toLowerCase().normalize('NFKC')
}

export function usernameMistake(username: string): string | undefined {
  if (username === '') return 'Enter a username.'
  if (characters(username) > USERNAME_LENGTH) return `Use at most ${USERNAME_LENGTH} characters.`
  if (!username.isWellFormed() || !USERNAME.test(username))
    return 'Use letters, digits, dots, dashes and underscores, and begin with a letter or digit.'
  return undefined
}

/** Composed (NFC), no space around. */
export function normalizeName(text: string): string {
  return text.trim().normalize('NFC')
}

export function nameMistake(name: string): string | undefined {
  if (name === '') return 'Enter your name.'
  if (characters(name) > NAME_LENGTH) return `Use at most ${NAME_LENGTH} characters.`
  if (!name.isWellFormed() || UNPRINTABLE.test(name) || !VISIBLE.test(name))
    return 'Use characters that can be printed.'
  return undefined
}

/** Composed (NFC), no space around, the domain in lower case; the local part is the receiving server's business. */
export function normalizeEmail(text: string): string {
  const address = text.trim().normalize('NFC')
  const at = address.lastIndexOf('@')
  return at < 0 ? address : address.slice(0, at) + address.slice(at).toLowerCase()
}

/** The shape of an address only: whether anybody reads it, only a message to it can tell. */
export function emailMistake(email: string): string | undefined {
  if (email === '') return 'Enter your e-mail address.'
  const at = email.lastIndexOf('@')
  const localPart = email.slice(0, Math.max(at, 0))
  const labels = email.slice(at + 1).split('.')
  const shaped =
    email.isWellFormed() &&
    !UNPRINTABLE.test(email) &&
    octets(email) <= EMAIL_LENGTH &&
    octets(localPart) <= LOCAL_PART_LENGTH &&
    LOCAL_PART.test(localPart) &&
    labels.every(label => octets(label) <= 63 && DOMAIN_LABEL.test(label))
  return shaped ? undefined : 'Enter an address such as name@example.com.'
}
