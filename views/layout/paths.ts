/** The pages that every page can link to. */
export const paths = {
  home: '/',
  signIn: '/sign-in',
  signUp: '/sign-up',
  signOut: '/sign-out',
  device: '/device',
  account: '/account',
  sessions: '/account/sessions',
  revokeEverything: '/account/revoke-everything',
  applications: '/account/applications',
  tokens: '/account/tokens',
  clients: '/clients',
  resources: '/resources',
  admin: '/admin',
  adminAccounts: '/admin/accounts',
} as const
