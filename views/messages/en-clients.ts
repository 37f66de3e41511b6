/** Clients: the applications and services of an organization. */
import type { ComponentChildren } from 'preact'
import { span } from './en-counted.ts'

type Words = ComponentChildren

export const clients = {
  title: 'Clients',
  lead: 'The applications and services of your organizations that ask for tokens here.',
  empty: 'No clients yet',
  emptyNote:
    'A client is an application or a service that asks this server for tokens, or that calls an API with a key of its own.',
  noOrganization:
    'Clients belong to an organization, and you are not a member of one. Ask an administrator to add you to yours.',
  create: 'Register a client',
  newTitle: 'Register a client',
  newLead: 'What kind of application is it? The right settings follow from that.',

  client: 'Client',
  kind: 'Kind',
  organization: 'Organization',
  noOne: 'The operator',
  status: 'Status',
  enabled: 'Enabled',
  disabled: 'Disabled',

  kinds: {
    web_server: {
      name: 'Web server',
      what: 'People use it in a browser, and its code runs on your server: Express, Django, Rails, PHP.',
      settings:
        'People are sent here to sign in and come back with a code. Your server exchanges the code for tokens and proves who it is, with a secret or a key of its own (authorization code with PKCE).',
    },
    single_page: {
      name: 'Single-page application',
      what: 'It runs in the browser alone: React, Vue, plain JavaScript, without a server of its own.',
      settings:
        'Whoever opens the page can read all of it, so it has no secret. PKCE makes sure that only the page that began a sign-in can finish it (authorization code with PKCE, no client authentication).',
    },
    mobile: {
      name: 'Mobile or desktop app',
      what: 'It is installed on a phone or a computer: iOS, Android, macOS, Windows.',
      settings:
        'It signs people in through the system’s browser and is called back at an address that is its own. It has no secret, as every copy would have the same one (native application, authorization code with PKCE).',
    },
    command_line: {
      name: 'Command line',
      what: 'A program in a terminal that opens a browser for the sign-in.',
      settings:
        'It listens on the loopback address of its own machine for the answer, at any free port. It has no secret (native application, authorization code with PKCE).',
    },
    device: {
      name: 'Device or TV',
      what: 'It has no browser, or no good keyboard: a television, a games console, a printer.',
      settings:
        'It shows a short code, and people enter it here on their phone or computer and allow it. It has no secret, as every copy would have the same one (device authorization, no client authentication).',
    },
    service: {
      name: 'Service',
      what: 'It runs without anybody present: a job, a backend that calls another, an API that checks tokens.',
      settings:
        'It proves who it is, with a secret, a key or a certificate of its own, and gets a token for itself; nobody signs in (client credentials).',
    },
  },

  form: {
    name: 'Name',
    nameHint: 'People see it when they are asked to allow it.',
    nameHintService: 'So that you and your colleagues know it.',
    organization: 'Organization',
    organizationHint: 'Its members look after the client, by their role.',
    redirectUris: 'Redirect URIs',
    redirectHints: {
      web_server:
        'Where people come back to after signing in, exactly, one a line. https, or http on localhost: https://app.example.com/callback',
      single_page:
        'Where people come back to after signing in, exactly, one a line. https, or http on localhost: https://app.example.com/',
      mobile:
        'Where the app is called back, one a line: a scheme of your domain in reverse, com.example.app:/callback, or an https address that the system hands to it.',
      command_line:
        'Where the program listens, one a line. Write it without a port, and any port will do: http://127.0.0.1/callback',
      device: '',
      service: '',
    },
    postLogout: 'Where people may go after signing out',
    postLogoutHint: 'Addresses for post_logout_redirect_uri, one a line, compared exactly.',
    scopesTitle: 'What may it ask for at most?',
    scopes: 'Scopes',
    scopesHint: 'The scopes of your organization’s resources. A client that asks for more is refused.',
    noScopes:
      'Your organization has no resources yet. The client can sign people in; register a resource to give it more.',
    more: 'More settings',
    introspect: 'It is the server of',
    introspectHint:
      'It may ask whether credentials for these resources are good (introspection, /v1/verify).',
    exchange: 'It may exchange tokens',
    exchangeHint:
      'For the token or key of a caller it gets one for the next API that may do less and lives for minutes (RFC 8693).',
    proof: 'How does it prove who it is?',
    bySecret: 'With a secret',
    bySecretHint: (method: Words): Words[] => ['It sends a secret that you put into it (', method, ').'],
    byKey: 'With a key of its own, without a secret',
    byKeyHint: (method: Words): Words[] => [
      'It signs a short statement with its private key. This server has the public key only, so nothing that could leak from here opens anything (',
      method,
      '). Secrets that it has end.',
    ],
    byNamedCertificate: 'With a certificate of an authority that this server trusts',
    byNamedCertificateHint: (method: Words): Words[] => [
      'It shows the certificate when it connects, and what stands in it says which client it is. The operator chooses the authorities (',
      method,
      '). Secrets that it has end.',
    ],
    byOwnCertificate: 'With certificates that you register here',
    byOwnCertificateHint: (method: Words): Words[] => [
      'It shows one of them when it connects. It may have signed them itself (',
      method,
      '). Secrets that it has end.',
    ],
    certificateName: 'Which part of the certificate is its own?',
    certificateNames: {
      san_dns: 'A host name (DNS)',
      san_uri: 'A URI, such as a SPIFFE ID',
      san_ip: 'An IP address',
      san_email: 'An e-mail address',
      subject_dn: 'The whole subject',
    },
    certificateValue: 'What stands there?',
    certificateValueHint:
      'As it stands among the subject alternative names; a whole subject as CN=billing,O=Acme,C=DE (RFC 4514). It is compared exactly.',
    certificates: 'Certificates',
    certificatesHint:
      'In PEM, one after the other: register the next one before the last one expires. Never a private key.',
    jwks: 'Public keys',
    jwksHint:
      'A JWK Set, in JSON: { "keys": [ … ] }. EC keys on P-256, Ed25519, or RSA of 2048 bits and more. Never a private key.',
    jwksUri: 'Address of its public keys',
    jwksUriHint:
      'Instead of the keys or certificates: an https address where they are (a JWK Set), so that you can change them there.',
    assertionAlg: 'Algorithm of its signatures',
    assertionAlgHint: 'If you name one, no other is taken.',
    anyAlg: 'Any that fits a key',
    backchannelLogout: 'Address to tell of sign-outs',
    backchannelLogoutHint:
      'When a session ends in which somebody used it, this server calls this https address (back-channel logout).',
    logoutSession: 'It needs to know which session',
    logoutSessionHint: 'Else the message may say only whose.',
    protection: 'More protection',
    pushed: 'Requests are sent ahead, server to server (PAR)',
    pushedHint:
      'People carry a reference in their browser, not the request, so nobody can read or change it on the way. Requests by other ways are refused.',
    dpop: 'Tokens are bound to a key (DPoP)',
    dpopHint:
      'Whoever steals a token cannot use it. The application proves with every request that it has the key.',
    certificateBound: 'Tokens are bound to its certificate (mTLS)',
    certificateBoundHint:
      'Whoever steals a token cannot use it: only a connection with the same certificate can. Not together with DPoP.',
    idTokenAlg: 'Algorithm of its ID tokens',
    idTokenAlgHint: 'ES256 unless the library that the application uses wants another.',
    button: 'Register',
  },

  registeredTitle: 'It is registered',
  registeredLead: (name: Words): Words[] => [name, ' is ready. Put this into it:'],
  clientId: 'Client ID',
  secret: 'Client secret',
  snippetTitles: {
    web_server: 'On your server, with openid-client for Node',
    single_page: 'In the browser, in JavaScript',
    mobile: 'In your app, with AppAuth or the like',
    command_line: 'In your program, with openid-client for Node',
    device: 'In the device, with openid-client for Node',
    service: 'Get a token',
  },
  toClient: 'Go to the client',

  settings: 'Settings',
  edit: 'Edit',
  editTitle: 'Edit client',
  grantTypes: 'Grant types',
  authMethod: 'Authentication',
  redirectUris: 'Redirect URIs',
  postLogoutRedirectUris: 'After signing out',
  introspect: 'Server of',
  none: 'None',
  created: 'Registered',
  scopes: 'Scopes',
  noScopes: 'None: it can sign people in, and nothing more.',
  noScopesService: 'None: it can get no tokens.',
  disabledNote: 'This client is disabled: it gets no tokens, and its tokens and keys are refused.',
  disabledByAdministrator: 'An administrator disabled it. Only an administrator enables it again.',

  secrets: 'Secrets',
  secretsLead: 'It may have several, so that one can be replaced without a pause.',
  noSecrets: 'It has no secret now, so it cannot authenticate.',
  keysTitle: 'Its own keys',
  ownKeysNote:
    'It signs with its private key, which it never sends, so it has no secret. This server knows its public keys:',
  ownKeysAt:
    'It signs with its private key, which it never sends, so it has no secret. Its public keys are at',
  onlyAlg: (alg: Words): Words[] => ['Only signatures with ', alg, ' are taken.'],
  noKid: 'Without a name (kid)',
  pushedRequests: 'Requests',
  pushedRequired: 'Only those sent ahead (PAR)',
  tokens: 'Tokens',
  dpopRequired: 'Bound to a key (DPoP)',
  certificateRequired: 'Bound to its certificate (mTLS)',
  certificatesTitle: 'Its certificate',
  certificateUntil: 'Expires',
  certificatesNote: 'It shows one of these when it connects, so it has no secret:',
  certificatesAt: 'It shows a certificate when it connects, so it has no secret. Its certificates are at',
  certificateNamed:
    'It shows a certificate of an authority that this server trusts when it connects, so it has no secret. This name stands in it:',
  backchannelLogout: 'Told of sign-out at',
  idTokens: 'ID tokens',
  selfRegistered:
    'This client registered itself: nobody here vouches for it. People are told so before they allow it anything.',
  publicNote: 'A public client: users can read everything it has, so it has no secret.',
  addSecret: 'Add secret',
  addSecretTitle: 'Add a secret',
  addSecretLead: 'The others stay as they are. Retire them when the new one is in use.',
  newSecretTitle: 'The new secret',
  newSecretLead: 'It works from now on, beside the others.',
  expires: 'Expires',
  noExpiry: 'Never',
  expiresIn: (seconds: number): string => `In ${span(seconds)}`,
  secretCreated: 'Created',
  retire: 'Retire',
  retireWhich: (last4: Words): Words[] => [' …', last4],
  retireTitle: 'Retire this secret?',
  retireNote: (last4: Words, name: Words): Words[] => [
    'Every copy of ',
    name,
    ' that still uses the secret ending in ',
    last4,
    ' can get no more tokens from now on. Tokens that it has already live on until they expire.',
  ],
  retireLast: 'It is the last one: the client cannot authenticate until you add another.',
  keepSecret: 'Keep secret',

  keys: 'What it shows to APIs',
  keysNote: 'An API key, without asking for a token first.',
  toKeys: 'See its keys',
  signingSecretsNote: 'A signature on every request, with a secret or a key that is never sent.',
  toSigningSecrets: 'See its signing secrets',
  shownCertificatesNote: 'A certificate on its connection, and nothing else to send.',
  toCertificates: 'See its certificates',

  disable: 'Disable',
  enable: 'Enable',
  disableTitle: (name: string): string => `Disable ${name}?`,
  disableNote: (name: Words): Words[] => [
    name,
    ' stops working at once, for everybody: nobody can sign in to it, and its tokens and keys are refused. You can enable it again.',
  ],
  keepEnabled: 'Keep it enabled',
  delete: 'Delete',
  deleteTitle: (name: string): string => `Delete ${name}?`,
  deleteNote: (name: Words): Words[] => [
    name,
    ' stops working at once, for everybody. Its secrets, its keys and what people allowed it end with it. This cannot be undone.',
  ],
  keep: 'Keep client',
}
