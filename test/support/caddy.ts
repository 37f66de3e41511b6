// Debian's Caddy: a process of its own with a Caddyfile of its own.
import { checkInstalled, type ProxyOptions, type RunningProxy, runProxy } from './foreground.ts'

const BINARY = '/usr/bin/caddy'

/**
 * @param config the sites of a Caddyfile. Sites are named with scheme and port (`https://localhost:8443`) and have
 * `tls cert.pem key.pem`: Caddy gets no certificates by itself here. Files are named relative to it.
 * @throws with the command to run when Caddy is not installed, and with its own words when it refuses the configuration
 */
export async function startCaddy({ port, config, files = {} }: ProxyOptions): Promise<RunningProxy> {
  checkInstalled(BINARY, 'Caddy', 'caddy')
  const options = ['admin off', 'auto_https off', 'skip_install_trust', 'grace_period 1s']
  const Caddyfile = ['{', ...options, '}', config, ''].join('\n')
  return runProxy({ port, files: { ...files, Caddyfile } }, path => ({
    name: 'Caddy',
    binary: '/usr/bin/env',
    args: ['-C', path, BINARY, 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    env: { HOME: path, XDG_CONFIG_HOME: path, XDG_DATA_HOME: path },
  }))
}
