// Writes what is made from deploy/routes.json: HAProxy's configuration for docker-compose, and the Helm chart's copy (a
// chart reads no file outside its folder). With --check it only compares. Plain Node >= 20.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const source = readFileSync(file('deploy/routes.json'), 'utf8');
const { routes } = JSON.parse(source);

const on = (listener) => routes.filter((route) => route.listener === listener);
const condition = ({ path }) => (path.endsWith('/') ? `path_beg ${path}` : `path ${path}`);
const rule = (route) =>
  route.path === '/'
    ? `  default_backend ${route.service}`
    : `  use_backend ${route.service} if { ${condition(route)} }`;
const httpServices = [...new Set(on('client').map(({ service }) => service))];
const [federation] = on('federation');

const backend = (service) => `
backend ${service}
  option httpchk GET /health/ready
  http-check expect status 200
  server-template ${service}- 8 ${service}:8008 check port 9100 inter 1s resolvers docker init-addr none`;

const haproxy = `# Made from deploy/routes.json by scripts/generate-deploy.mjs: do not edit.
global
  log stdout format raw local0 notice

defaults
  mode http
  log global
  timeout connect 5s
  timeout client 180s
  timeout server 180s
  # Only what no instance has taken goes to another one.
  retries 5
  retry-on conn-failure
  option redispatch 1

resolvers docker
  parse-resolv-conf
  hold valid 1s

frontend client
  bind :8008
  http-request del-header x-forwarded-for
  option forwardfor
${on('client').map(rule).join('\n')}
${httpServices.map(backend).join('\n')}

# The federation listener ends TLS itself.
frontend federation
  mode tcp
  bind :8448
  default_backend ${federation.service}

backend ${federation.service}
  mode tcp
  option httpchk GET /health/ready
  http-check expect status 200
  server-template ${federation.service}- 8 ${federation.service}:8448 check port 9100 inter 1s resolvers docker init-addr none
`;

const generated = { 'deploy/haproxy.cfg': haproxy, 'helm/atoll/files/routes.json': source };
for (const [path, content] of Object.entries(generated)) {
  if (!process.argv.includes('--check')) writeFileSync(file(path), content);
  else if (readFileSync(file(path), 'utf8') !== content) {
    process.stderr.write(`${path} is stale: run node scripts/generate-deploy.mjs\n`);
    process.exitCode = 1;
  }
}
