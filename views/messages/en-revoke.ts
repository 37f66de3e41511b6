/** English: ending many things at once, and looking after accounts. */
import type { ComponentChildren } from 'preact'
import { counted } from './en-counted.ts'

type Words = ComponentChildren

/** By the name of the kind; others are counted by that name. */
const KINDS: Readonly<Record<string, (count: number) => string>> = {
  session: count => counted(count, 'session', 'sessions'),
  'device-code': count => counted(count, 'device that waits', 'devices that wait'),
  grant: count =>
    counted(count, 'sign-in of a person, with its tokens', 'sign-ins of people, with their tokens'),
  'access-token': count => counted(count, 'access token', 'access tokens'),
  'client-tokens': () => 'All tokens that it has got for itself',
  'api-key': count => counted(count, 'API key', 'API keys'),
  'personal-access-token': count => counted(count, 'personal access token', 'personal access tokens'),
}

export const revoke = {
  toEverything: 'Revoke everything…',
  everythingNote: 'Ends your sessions, this one too, your tokens, and what you have allowed applications.',
  everythingTitle: 'Revoke everything?',
  everythingLead: 'Do this when somebody else may have had your password, a device of yours or a token.',
  everythingEnds: 'This ends, at once and for good:',
  everythingAllowed: (count: number): string =>
    `What you have allowed ${counted(count, 'application', 'applications')}`,
  everythingAfter:
    'You are signed out everywhere. If somebody else may know your password, ask an administrator for a new one.',
  everything: 'Revoke everything',
  keep: 'Keep everything',

  ofClient: 'Revoke what it holds…',
  ofClientTitle: (name: string): string => `Revoke what ${name} holds?`,
  ofClientLead: (name: Words): Words[] => ['These are alive now. ', name, ' itself and its secrets stay.'],
  ofClientNote:
    'People have to sign in again, and every copy of it needs new tokens and keys. This cannot be undone.',
  ofClientNothing: 'It holds nothing that could be revoked.',
  ofClientButton: 'Revoke all of this',
  ofClientKeep: 'Keep all of it',
  back: 'Back to the client',
  kind: (kind: string, count: number): string => KINDS[kind]?.(count) ?? `${kind}: ${count}`,
}

export const accounts = {
  title: 'Accounts',
  lead: 'Everybody who can sign in here.',
  see: 'See all accounts',
  search: 'Username begins with',
  find: 'Find',
  none: 'No accounts',
  noneNote: 'Nobody’s username begins like this.',
  account: 'Account',
  email: 'E-mail address',
  noEmail: 'None',
  status: 'Status',
  enabled: 'Enabled',
  disabled: 'Disabled',
  admin: 'Administrator',
  created: 'Created',
  id: 'Id',
  own: 'This is your own account: another administrator has to change it.',
  disabledNote: 'This account is disabled: nobody can sign in to it, and its tokens are refused.',
  disable: 'Disable',
  enable: 'Enable',
  disableTitle: (username: string): string => `Disable ${username}?`,
  disableNote: (username: Words): Words[] => [
    username,
    ' is signed out everywhere at once, and what this person has allowed applications ends. Personal tokens are refused until you enable the account again.',
  ],
  keepEnabled: 'Keep it enabled',
  delete: 'Delete',
  deleteTitle: (username: string): string => `Delete ${username}?`,
  deleteNote: (username: Words): Words[] => [
    'Everything that ',
    username,
    ' holds ends at once, and name, e-mail address and password are deleted. The history keeps the id. This cannot be undone.',
  ],
  keep: 'Keep account',
}
