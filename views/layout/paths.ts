/** The pages that every page can link to. */
export const paths = {
  home: '/',
  signIn: '/sign-in',
  signUp: '/sign-up',
  signOut: '/sign-out',
  account: '/account',
  sessions: '/account/sessions',
  applications: '/account/applications',
  admin: '/admin',
} as const
