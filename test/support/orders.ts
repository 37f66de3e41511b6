// The example that most tests talk about: an orders API, a web application, a service, a resource server, and people.
export const ORDERS = 'https://api.example.com'
export const STOCK = 'https://stock.example.com'
export const CALLBACK = 'http://127.0.0.1:8080/callback'
export const WEB_SECRET = 'orders-web-secret-for-tests-only-0123456789'
export const BILLING_SECRET = 'billing-secret-for-tests-only-0123456789abc'
export const PASSWORD = 'correct horse battery staple'

export const ordersFile = {
  organizations: [{ id: 'acme', name: 'Acme', members: [{ account: 'ada', role: 'owner' }] }],
  resources: [
    {
      identifier: ORDERS,
      name: 'Orders API',
      organization: 'acme',
      token_format: 'jwt',
      access_token_lifetime: '15m',
      scopes: {
        'read:orders': { description: 'See your orders' },
        'write:orders': { description: 'Create and change your orders' },
        'admin:orders': { description: "Change anyone's orders", restricted: true },
      },
    },
    {
      identifier: STOCK,
      name: 'Stock API',
      organization: 'acme',
      token_format: 'opaque',
      scopes: { 'read:stock': { description: 'See what is in stock' } },
    },
  ],
  roles: [{ name: 'orders-admin', scopes: { [ORDERS]: ['admin:orders'] } }],
  accounts: [
    {
      username: 'ada',
      email: 'ada@example.com',
      email_verified: true,
      name: 'Ada Lovelace',
      password: PASSWORD,
      roles: ['orders-admin'],
    },
    { username: 'bob', email: 'bob@example.com', name: 'Bob Bird', password: PASSWORD },
  ],
  clients: [
    {
      client_id: 'orders-web',
      client_name: 'Orders',
      client_secret: WEB_SECRET,
      organization: 'acme',
      redirect_uris: [CALLBACK],
      post_logout_redirect_uris: ['http://127.0.0.1:8080/bye'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
      resource_scopes: { [ORDERS]: ['read:orders', 'write:orders', 'admin:orders'] },
      default_scope: 'openid',
    },
    {
      client_id: 'orders-spa',
      client_name: 'Orders in the browser',
      organization: 'acme',
      redirect_uris: ['http://127.0.0.1:8081/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
    },
    {
      client_id: 'profile-only',
      client_name: 'Profile only',
      client_secret: 'profile-only-secret-for-tests-0123456789ab',
      redirect_uris: ['http://127.0.0.1:8082/callback'],
      grant_types: ['authorization_code'],
    },
    {
      client_id: 'house',
      client_name: 'Our own portal',
      client_secret: 'house-secret-for-tests-only-0123456789abcd',
      redirect_uris: ['http://127.0.0.1:8083/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      resource_scopes: { [ORDERS]: ['read:orders'] },
      require_consent: false,
      require_pkce: false,
    },
    {
      client_id: 'billing',
      client_secret: BILLING_SECRET,
      organization: 'acme',
      grant_types: ['client_credentials'],
      resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
      introspect: [ORDERS],
    },
    {
      client_id: 'reports',
      client_secret: 'reports-secret-for-tests-only-0123456789ab',
      grant_types: ['client_credentials'],
      resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
    },
  ],
}

const client = (clientId: string) => {
  const found = ordersFile.clients.find(one => one.client_id === clientId)
  if (!found) throw new Error(`no client ${clientId} in the example`)
  return found
}

/** Confidential, asks for consent, ceiling: the orders API. */
export const ordersWeb = client('orders-web')
/** Public, ceiling: orders and stock. */
export const ordersSpa = client('orders-spa')
/** No ceiling at all. */
export const profileOnly = client('profile-only')
/** The operator's own: no consent, no PKCE. */
export const house = client('house')
/** A service; also the orders API's server. */
export const billing = client('billing')
/** A service with two resources. */
export const reports = client('reports')
