/**
 * The English words of every page. Plain words are strings; words with something inside are functions, so
 * that a language decides order and plural. `Words` may hold marked-up names, always passed in, never made
 * here.
 */
import type { ComponentChildren } from 'preact'
import { clients } from './en-clients.ts'
import { counted, duration, number } from './en-counted.ts'
import { device } from './en-device.ts'
import { elsewhere } from './en-elsewhere.ts'
import { leakMail } from './en-leaks.ts'
import { certificates, keys, signingSecrets, tokens } from './en-minted.ts'
import { resources } from './en-resources.ts'
import { accounts, revoke } from './en-revoke.ts'

type Words = ComponentChildren
type Direction = 'ltr' | 'rtl'

const relative = new Intl.RelativeTimeFormat('en')
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' })
const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', timeZone: 'UTC' })

export const en = {
  direction: 'ltr' as Direction,
  product: 'Latchkey',
  documentTitle: (title: string): string => `${title} · Latchkey`,
  documentTitleWithErrors: (title: string): string => `Error: ${title} · Latchkey`,

  number,
  time: {
    now: 'just now',
    relative: (value: number, unit: Intl.RelativeTimeFormatUnit): string => relative.format(value, unit),
    exact: (moment: Date): string => `${exact.format(moment)} UTC`,
    day: (moment: Date): string => days.format(moment),
  },

  layout: {
    skip: 'Skip to the content',
    home: 'Latchkey, home page',
    menu: 'Your account',
    trail: 'Where you are',
    optional: '(optional)',
    cancel: 'Cancel',
    save: 'Save changes',
    pager: 'More of the list',
    older: 'Older',
    newest: 'Newest',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'Selected: copy it by hand',
    errorSummary: (count: number): string => `${counted(count, 'thing needs', 'things need')} another look`,
  },
  nav: {
    account: 'Overview',
    sessions: 'Sessions',
    applications: 'Applications',
    tokens: 'Tokens',
    clients: 'Clients',
    resources: 'Resources',
    admin: 'Administration',
    signOut: 'Sign out',
  },
  notice: { info: 'Note', success: 'Done', warning: 'Take care', danger: 'Problem' },

  fields: {
    username: 'Username',
    name: 'Name',
    email: 'E-mail address',
    password: 'Password',
    newPasswordHint: '8 to 128 characters. A few words you can remember are better than one hard one.',
  },

  home: {
    title: 'One key ring for your APIs',
    lead: 'This server signs people in and decides which applications may act for them.',
    signedIn: (name: Words): Words[] => ['You are signed in as ', name, '.'],
    account: 'Go to your account',
    signIn: 'Sign in',
    signUp: 'Create account',
    developers: 'For developers',
    issuer: 'Issuer',
    discovery: 'Discovery',
    jwks: 'Public keys (JWKS)',
    api: 'JSON API (OpenAPI)',
  },

  signIn: {
    title: 'Sign in',
    client: (client: Words): Words[] => ['to continue to ', client],
    button: 'Sign in',
    signUp: (link: (text: string) => Words): Words[] => ['New here? ', link('Create account')],
    retryAfter: (seconds: number): string => `Try again in ${duration(seconds)}.`,
    tooMany: 'That was too many tries.',
  },
  confirmPassword: {
    title: 'Is it still you?',
    lead: (username: Words): Words[] => [
      'Your sign-in as ',
      username,
      ' was a while ago. Give your password once more to go on.',
    ],
    button: 'Go on',
  },
  signUp: {
    title: 'Create account',
    client: (client: Words): Words[] => ['to continue to ', client],
    button: 'Create account',
    signIn: (link: (text: string) => Words): Words[] => ['Have an account already? ', link('Sign in')],
  },
  firstAdmin: {
    title: 'Make the first administrator',
    lead: 'This server is new. The account you make here can change everything on it. This link works once.',
    button: 'Create account',
  },

  consent: {
    title: (client: Words): Words[] => [client, ' asks to use your account'],
    documentTitle: (client: string): string => `Allow ${client}?`,
    organization: (organization: Words): Words[] => ['By ', organization],
    describedAt: (host: Words): Words[] => ['As described by ', host],
    verified: 'Verified',
    unverified: 'Not verified',
    unverifiedNote: 'Nobody here has checked who runs this application. Allow it only if you trust it.',
    account: (name: Words, username: Words): Words[] => ['Signed in as ', name, ' (', username, ')'],
    switchAccount: (name: Words): Words[] => ['Not ', name, '? Use another account'],
    asked: 'It will be able to',
    alreadyAllowed: (count: number): string => `Allowed before (${number(count)})`,
    restricted: 'Restricted',
    nothing: 'It asks for nothing beyond knowing that you signed in.',
    destination: 'Either way, you go on to',
    allow: 'Allow',
    deny: 'Deny',
    later: 'You can withdraw this at any time in your account, under Applications.',
  },
  leaving: {
    title: (client: Words): Words[] => ['Go on to ', client, '?'],
    documentTitle: (host: string): string => `Go on to ${host}?`,
    note: 'Nobody here has checked who runs this application. Go on only if you came from it.',
    destination: 'You leave this server for',
    button: 'Continue',
  },
  signOut: {
    title: 'Sign out?',
    lead: 'This ends your session here in this browser.',
    client: (client: Words): Words[] => [client, ' asks to sign you out.'],
    button: 'Sign out',
    stay: 'Stay signed in',
  },
  signedOut: {
    title: 'You are signed out',
    lead: 'Your session in this browser has ended.',
    client: (client: Words): Words[] => [
      'Your session in this browser has ended. You can go back to ',
      client,
      '.',
    ],
    signIn: 'Sign in again',
  },

  device,

  account: {
    title: 'Your account',
    profile: 'Profile',
    verified: 'Verified',
    unverified: 'Not verified',
    noEmail: 'None',
    created: 'Member since',
    lastSignIn: 'Last sign-in',
    access: 'Access',
    sessionsLead: 'The browsers where you are signed in.',
    applicationsLead: 'What you have allowed to act for you.',
    sessions: (count: number): string => counted(count, 'session', 'sessions'),
    applications: (count: number): string => counted(count, 'application', 'applications'),
  },
  sessions: {
    title: 'Sessions',
    lead: 'Every browser where you are signed in. End the ones you do not know.',
    current: 'This browser',
    address: 'Address',
    created: 'Signed in',
    lastSeen: 'Last seen',
    expires: 'Ends',
    applications: 'Applications',
    unknownUserAgent: 'Unknown browser',
    end: 'End session',
    endWhich: (userAgent: Words): Words[] => [': ', userAgent],
    endOthers: 'End all other sessions',
    endOthersNote: 'Applications that were signed in through them are signed out as well.',
    signOutEverywhere: 'Sign out everywhere',
    signOutEverywhereNote: 'Ends all of your sessions, this one too, and tells the applications.',
    empty: 'No sessions',
    emptyNote: 'When you sign in with a browser, it is listed here.',
  },
  applications: {
    title: 'Applications',
    lead: 'Applications you have allowed to act for you, and what each of them may do.',
    allowed: 'Allowed',
    lastUsed: 'Last used',
    neverUsed: 'Never',
    permissions: (count: number): string => counted(count, 'permission', 'permissions'),
    noPermissions: 'It knows that you signed in, nothing more.',
    withdraw: 'Withdraw access…',
    withdrawWhich: (client: Words): Words[] => [' of ', client],
    withdrawNote: (client: Words): Words[] => [
      client,
      ' stops working for you at once. It has to ask you again to get access back.',
    ],
    withdrawConfirm: 'Withdraw access',
    empty: 'No applications yet',
    emptyNote: 'When you allow an application to act for you, it is listed here, and here you can end it.',
  },

  tokens,
  keys,
  certificates,
  signingSecrets,
  leakMail,
  clients,
  resources,
  revoke,
  accounts,

  admin: {
    title: 'Administration',
    health: 'Health',
    ok: 'Working',
    failed: 'Not working',
    counts: 'At a glance',
    accounts: 'Accounts',
    sessions: 'Sessions',
    clients: 'Clients',
    resources: 'Resources',
    created: 'New accounts per day',
    createdSummary: (total: number, days: number): string =>
      `${counted(total, 'new account', 'new accounts')} in ${counted(days, 'day', 'days')}`,
    createdOn: (day: string, count: number): string => `${day}: ${number(count)}`,
    clientsLead: 'Applications and services known to this server.',
    resourcesLead: 'The APIs this server protects.',
    client: 'Client',
    grantTypes: 'Grant types',
    authMethod: 'Authentication',
    scopes: 'Scopes',
    status: 'Status',
    enabled: 'Enabled',
    disabled: 'Disabled',
    resource: 'Resource',
    tokenFormat: 'Token format',
    restricted: 'Restricted',
    none: 'None',
    noClients: 'No clients yet',
    noClientsNote:
      'A client is an application or service that asks for tokens. Add one in the declarative file.',
    noResources: 'No resources yet',
    noResourcesNote: 'A resource is an API with its list of scopes. Add one in the declarative file.',
  },

  elsewhere,
  problem: {
    failed: 'Something went wrong',
    notValid: 'This request is not valid',
    /** By the error code of the standard; others are told in the server's own words. */
    messages: {
      invalid_client:
        'The application that sent you here is not known to this server, or not any more. Tell whoever runs it.',
      invalid_redirect_uri:
        'The application wants you sent to an address that it has not registered here. Tell whoever runs it.',
      server_error: 'The fault is on our side. Try again in a moment.',
    } as Readonly<Record<string, string | undefined>>,
    unknown: 'The request could not be completed.',
    detail: 'Details',
    reference: 'Reference',
    code: 'Code',
    status: 'Status',
    help: 'If you ask for help, give this reference. It leads straight to the line in the log.',
    home: 'Go to the home page',
  },

  secret: {
    once: 'This is shown once. Copy it now: when you leave this page, nobody can show it again.',
    tryIt: 'Try it',
  },

  /**
   * The scopes of OpenID Connect in the words of the consent page. A resource's own scopes bring their
   * own.
   */
  standardScopes: {
    title: 'Your identity',
    labels: {
      openid: 'Know that it is you',
      profile: 'See your name and username',
      email: 'See your e-mail address',
      offline_access: 'Keep this access while you are away',
    },
  },
}
