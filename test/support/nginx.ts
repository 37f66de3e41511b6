// Debian's nginx: a process of its own with a configuration of its own.
import { checkInstalled, type ProxyOptions, type RunningProxy, runProxy } from './foreground.ts'

const BINARY = '/usr/sbin/nginx'
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * @param config what stands inside `http { … }`: one or more `server { … }`. Files are named relative to it.
 * @throws with the command to run when nginx is not installed, and with its own words when it refuses the configuration
 */
export async function startNginx({ port, config, files = {} }: ProxyOptions): Promise<RunningProxy> {
  checkInstalled(BINARY, 'nginx', 'nginx-light')
  const configuration = [
    // Root starts it and hands over to an account without rights; anybody else stays who they are.
    process.getuid?.() === 0 ? 'user www-data;' : '',
    'daemon off;',
    'worker_processes 1;',
    'pid nginx.pid;',
    'error_log stderr info;',
    'events { worker_connections 128; }',
    'http {',
    'access_log off;',
    ...TEMPORARY.map(name => `${name}_temp_path temporary-${name};`),
    config,
    '}',
    '',
  ].join('\n')
  return runProxy({ port, files: { ...files, 'nginx.conf': configuration } }, path => ({
    name: 'nginx',
    binary: BINARY,
    args: ['-p', path, '-e', 'stderr', '-c', 'nginx.conf'],
  }))
}
