/** The pages that every page can link to. */
export const paths = {
  home: '/',
  signIn: '/sign-in',
  signUp: '/sign-up',
  signOut: '/sign-out',
  device: '/device',
  account: '/account',
  sessions: '/account/sessions',
  applications: '/account/applications',
  tokens: '/account/tokens',
  clients: '/clients',
  resources: '/resources',
  admin: '/admin',
} as const
