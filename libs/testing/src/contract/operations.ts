import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** As the specification writes it, `{roomId}` and all. */
  readonly path: string;
  readonly pattern: RegExp;
  /** The OpenAPI file that describes it, below `data/api`. */
  readonly file: string;
}

/** APIs that Atoll answers. */
const APIS = ['client-server', 'server-server'];

/** The client-server and server-server operations of a specification checkout, those with the fewest parameters first. */
export function loadOperations(specFolder: string): Operation[] {
  const [, ...lines] = readFileSync(join(specFolder, 'operations.tsv'), 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => line.split('\t'))
    .filter(([api = '']) => APIS.includes(api))
    .map(([api = '', method = '', path = '', id = '', , , , , file = '']) => ({
      id,
      method,
      path,
      pattern: patternOf(path),
      file: `${api}/${file}`,
    }))
    .sort((a, b) => parameters(a) - parameters(b));
}

const parameters = ({ path }: Operation) => path.split('{').length;

/** The last parameter may be empty: the state key of `/state/{eventType}/{stateKey}`. */
function patternOf(path: string): RegExp {
  const source = path
    .split(/\{\w+\}/)
    .map((part) => part.replace(/[.*+?^$()[\]\\|]/g, '\\$&'))
    .join('[^/]+')
    .replace(/\[\^\/\]\+$/, '[^/]*');
  return new RegExp(`^${source}$`);
}
